"""The frames of a video file: upright, in RGB, with the file's own times."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.inference.video.colors import Colors, Converter, read_colors
from fst.inference.video.containers import load_av, opened
from fst.inference.video.decoding import Decoded, decoded
from fst.inference.video.frames import About, Frame, check_pixels
from fst.inference.video.times import Clock
from fst.inference.video.turns import Turn, read_turn

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_FEW = Fraction(1, 2)
"""Seconds that may be missing at the end before it is said: lengths in files are rough."""


class Clip:
    """A :class:`~fst.inference.video.frames.Source`: one video stream of a file.

    ``about.details`` has ``"colors"``, ``"pixel_aspect"`` (width over height of a pixel, or None),
    ``"stream"`` (its index in the file), ``"start"`` (seconds that were taken off all times) and
    ``"sound"`` (the codec of each track).

    Args:
        path: of the file.
        max_pixels: of a frame; more are refused.

    Raises:
        InputError: it is no video that can be decoded, is encrypted, or too large.
    """

    def __init__(self, path: Path, max_pixels: int = MAX_PIXELS) -> None:
        self.path = path
        self.notes: list[str] = []
        with opened(path) as container:
            stream = self._best(container)
            context = stream.codec_context
            check_pixels(path, context.width, context.height, max_pixels)
            stated = (
                int(context.color_range),
                int(context.colorspace),
                int(context.color_primaries),
                int(context.color_trc),
            )
            first = self._first(container, stream)
            self._size = (first.width, first.height)
            self._turn = self._read_turn(first)
            self._colors = self._read_colors(stated, first)
            self._length = _length(container, stream)
            self.about = self._describe(container, stream, first)

    def frames(self) -> Iterator[Frame]:
        """All frames that can be decoded, from the first one; the same ones at every call.

        Raises:
            InputError: not one can be decoded.
            OSError: the disk can't be read.
        """
        convert = Converter(self._colors, *self._size)
        with opened(self.path) as container:
            stream = container.streams[self.about.details["stream"]]
            found = Decoded()
            clock = Clock(
                self.about.rate,
                self.about.time_base,
                self.about.details["start"],
                by_decoding=container.format.name == "avi",
            )
            for number, frame in enumerate(decoded(container, stream, self._size, found)):
                time, duration = clock(frame)
                yield Frame(self._turn.upright(convert(frame)), number, time, duration)
            if clock.last is None:
                raise InputError(f"{self.path}: not one frame can be decoded")
            self._say_found(found, clock)

    def _best(self, container: "InputContainer") -> "VideoStream":
        """The video stream to paint: what players show."""
        pictures = load_av().stream.Disposition.attached_pic
        streams = [one for one in container.streams.video if not one.disposition & pictures]
        if not streams:
            sound = "only sound" if container.streams.audio else "no picture"
            raise InputError(f"{self.path}: there is {sound} in it, no video to paint")
        best = container.streams.best("video")
        chosen = best if best in streams else streams[0]
        if chosen.codec_context is None or not chosen.codec_context.codec.is_decoder:
            raise InputError(f"{self.path}: this FFmpeg can't decode its video")
        if len(streams) > 1:
            others = ", ".join(f"{o.width}x{o.height}" for o in streams if o is not chosen)
            self._note(
                f"{len(streams)} videos are in it: the one of {chosen.width}x{chosen.height} is "
                f"painted, not {others}"
            )
        return chosen

    def _first(self, container: "InputContainer", stream: "VideoStream") -> "VideoFrame":
        found = Decoded()
        frame = next(decoded(container, stream, None, found), None)
        if found.encrypted:  # now and then a decoder makes a frame of it, of noise
            raise InputError(f"{self.path} is encrypted, and can't be painted")
        if frame is not None:
            return frame
        raise InputError(f"{self.path}: not one frame can be decoded")

    def _read_turn(self, first: "VideoFrame") -> Turn:
        kind = load_av().sidedata.sidedata.Type.DISPLAYMATRIX
        sides: Any = first.side_data
        turn = read_turn(next((bytes(one) for one in sides if one.type == kind), None))
        if turn is None:
            self._note(f"it says that it is turned by {-first.rotation} degrees: painted as stored")
            return Turn()
        return turn

    def _read_colors(self, stated: tuple[int, int, int, int], first: "VideoFrame") -> Colors:
        colors = read_colors(stated, first)
        inside = Colors(0, transfer=int(first.color_trc)).high_range
        if colors.high_range:
            self._note(f"high dynamic range ({colors.high_range}) is brought into the usual one")
        elif inside:
            self._note(f"the file states usual colors, its stream {inside}: the file is believed")
        return colors

    def _describe(
        self, container: "InputContainer", stream: "VideoStream", first: "VideoFrame"
    ) -> About:
        width, height = self._turn.size(*self._size)
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
        time_base = stream.time_base or 1 / rate
        frames = _count(container, stream)
        duration = self._length
        if stream.duration and container.format.name != "avi":
            duration = stream.duration * time_base
        variable = stream.base_rate not in (None, rate)
        if frames and duration and abs(frames / duration - rate) * duration > 2:
            rate, variable = frames / duration, True
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        if aspect is not None and self._turn.swapped:
            aspect = 1 / aspect
        start = Fraction(0)
        if container.start_time and container.format.flags & _ANY_START:
            start = Fraction(container.start_time, 1_000_000)
        details = {
            "colors": self._colors.written,
            "pixel_aspect": None if aspect in (None, 1) else aspect,
            "stream": stream.index,
            "start": start,
            "sound": tuple(
                one.codec_context.codec.canonical_name for one in container.streams.audio
            ),
        }
        return About(
            width, height, Fraction(rate), frames, duration, time_base, variable, "video", details
        )

    def _say_found(self, found: Decoded, clock: Clock) -> None:
        assert clock.last is not None
        if found.damaged:
            many = f"{found.damaged} frames are" if found.damaged > 1 else "a frame is"
            self._note(f"{many} damaged, and left out")
        if found.resized:
            width, height = self._size
            self._note(f"its size changes: all frames are brought to {width}x{height}")
        for line in clock.said():
            self._note(line)
        begin, end = clock.first, max(clock.last, found.end - self.about.details["start"])
        if self._length is not None and self._length - (end - begin) > _FEW:
            self._note(
                f"the file ends after {float(clock.last - begin):.1f} s of "
                f"{float(self._length):.1f} s: what is there is painted"
            )

    def _note(self, line: str) -> None:
        line = f"{self.path}: {line}"
        if line not in self.notes:
            self.notes.append(line)


_ANY_START = 0x0200
"""AVFMT_TS_DISCONT: the clock of such files (MPEG streams) starts anywhere, which says nothing."""


def _length(container: "InputContainer", stream: "VideoStream") -> Fraction | None:
    """Seconds from start to end that the file says it has."""
    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return stream.frames / stream.average_rate  # the header's; the rest is guessed by bytes
    return None if container.duration is None else Fraction(container.duration, 1_000_000)


def _count(container: "InputContainer", stream: "VideoStream") -> int | None:
    """How many frames the file says it has."""
    if container.format.name == "avi":
        entries = [entry for entry in stream.index_entries if entry.size > 0]  # others repeat
        if entries and entries[-1].timestamp >= stream.frames - 2:  # the whole file is in it
            return len(entries)
    return stream.frames or None
