"""When the frames of a clip are shown: as the file says, and always one after another."""

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.video.frame import VideoFrame


class Clock:
    """Gives every frame its time.

    Args:
        rate: of the clip, for frames that have no time.
        tick: the smallest step, in seconds.
        start: seconds that are taken off all times.
        by_decoding: the file (an AVI) has only the order in which frames are decoded; what FFmpeg
            guesses of it goes back and forth where frames refer to later ones. Frames come out of
            the decoder in the order in which they are shown, one for each that goes in.
    """

    def __init__(
        self, rate: Fraction, tick: Fraction, start: Fraction, by_decoding: bool = False
    ) -> None:
        self._rate, self._tick, self._start = rate, tick, start
        self._by_decoding, self._delay = by_decoding, 0
        self._before: Fraction | None = None
        self._missing = self._moved = 0
        self.first = Fraction(0)
        self.last: Fraction | None = None
        """When the last frame so far ends; None before there was one."""

    def __call__(self, frame: "VideoFrame") -> tuple[Fraction, Fraction | None]:
        """Time and duration, in seconds; the duration is None where the file doesn't say."""
        stated = self._stated(frame)
        if stated is None:
            time = Fraction(0) if self._before is None else self._before + 1 / self._rate
        else:
            time = stated - self._start
        if self._before is None:
            self.first = time
        elif time <= self._before:
            self._moved += 1
            time = self._before + self._tick
        duration = None
        if frame.duration and frame.time_base is not None:
            duration = frame.duration * frame.time_base
        self._before, self.last = time, time + (duration or 1 / self._rate)
        return time, duration

    def said(self) -> list[str]:
        """What was wrong with the times of the file."""
        lines = []
        if self._missing:
            lines.append(f"{self._missing} frames have no time: made up from the frame rate")
        if self._moved:
            lines.append(f"{self._moved} frames are not later than the one ahead: put after it")
        return lines

    def _stated(self, frame: "VideoFrame") -> Fraction | None:
        if not self._by_decoding:
            if frame.pts is None or frame.time_base is None:
                self._missing += 1
                return None
            return frame.pts * frame.time_base
        if frame.dts is None or frame.time_base is None:  # the decoder is emptied at the end
            return None
        if self._before is None:
            self._delay = frame.dts
        return (frame.dts - self._delay) * frame.time_base
