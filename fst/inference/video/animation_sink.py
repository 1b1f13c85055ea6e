"""Painted frames to an animated GIF, WebP or PNG, in segments."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from fst.errors import InputError
from fst.image.record import record_text, sentence, xmp_packet
from fst.inference.video.animation_files import write_apng, write_gif, write_webp
from fst.inference.video.animation_headers import shown_for
from fst.inference.video.frames import Frame, Source
from fst.inference.video.stills import Still, read_stills, shown_until, write_stills
from fst.system.checks import whole_number
from fst.system.files import atomic_file

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG", ".apng": "PNG"}
"""Suffix -> PIL's name of the format that an animation is written in."""

QUALITY = 90
"""Of a WebP."""

LARGEST = {"GIF": 65_535, "WEBP": 16_383}
"""Pixels of a side."""

_TICKS = {"GIF": Fraction(1, 100), "WEBP": Fraction(1, 1000)}
"""In which delays are whole numbers, in seconds."""

_LEAST = {"GIF": Fraction(2, 100), "WEBP": Fraction(11, 1000), "PNG": Fraction(11, 1000)}
"""The shortest delay that viewers obey, in seconds."""


class AnimationSink:
    """A :class:`~fst.inference.video.frames.Sink`: writes an animated GIF, WebP or PNG.

    Delays are the source's, as exactly as the format has them; they are rounded so that the
    animation as a whole neither gains nor loses time. Frames that follow each other more quickly
    than viewers show are left out, with a line.

    Args:
        target: ends in one of :data:`FORMATS`.
        source: what is painted.
        quality: of a WebP, 1 to 100.
        record: what the file says of how it was painted; None is nothing.

    Raises:
        InputError: another suffix, a value out of range, a size that the format can't hold.
    """

    suffix = ""
    transparent = True

    def __init__(
        self,
        target: Path,
        source: Source,
        quality: int = QUALITY,
        record: Mapping[str, Any] | None = None,
    ) -> None:
        if target.suffix.lower() not in FORMATS:
            raise InputError(f"can't write {target.name!r}: give one of {', '.join(FORMATS)}")
        self.format = FORMATS[target.suffix.lower()]
        self._quality = whole_number("quality (--quality)", quality, 1, 100)
        self._record, self._about = record, source.about
        self._check_size(self._about.width, self._about.height)

    def write_segment(self, path: Path, frames: Iterable[Frame]) -> None:
        """Writes the frames into the folder ``path``, without loss; takes them one by one.

        Raises:
            InputError: a size that the format can't hold.
            OSError: the disk is full, and the like.
        """
        write_stills(path, map(self._fitting, frames))

    def join(self, segments: list[Path], target: Path) -> list[str]:
        """Makes the animation of all segments, whole or not at all.

        Returns:
            Lines to say: how many frames were left out.

        Raises:
            InputError: a segment is damaged.
            OSError: the disk is full, and the like.
        """
        stills = read_stills(segments)
        kept, delays = paced(stills, _TICKS.get(self.format), _LEAST[self.format])
        if len(kept) == len(stills):
            delays = self._as_in_source(kept, delays)
        files = [still.file for still in kept]
        details = self._about.details if self._about.kind == "animation" else {}
        plays, record = int(details.get("plays", 0)), self._record
        with atomic_file(target) as temporary:
            if self.format == "GIF":
                said = "" if record is None else f"{sentence(record)}\n{record_text(record)}"
                write_gif(temporary, files, delays, plays, said)
            elif self.format == "PNG":
                text = "" if record is None else record_text(record)
                write_apng(temporary, files, delays, plays, text)
            else:
                packet = b"" if record is None else xmp_packet(record)
                write_webp(temporary, files, delays, plays, self._quality, packet)
        if (left_out := len(stills) - len(kept)) == 0:
            return []
        most = int(1 / _LEAST[self.format])
        kind = "PNG" if self.format == "PNG" else target.suffix[1:].upper()
        return [
            f"{left_out} of {len(stills)} frames were left out: viewers show no more than {most} a "
            f"second of an animated {kind}"
        ]

    def _fitting(self, frame: Frame) -> Frame:
        height, width = frame.pixels.shape[:2]
        self._check_size(width, height)
        return frame

    def _check_size(self, width: int, height: int) -> None:
        if max(width, height) > (limit := LARGEST.get(self.format, 2**31 - 1)):
            raise InputError(
                f"{width}x{height} is too large for {self.format}, which ends at {limit:,} pixels "
                "a side: paint at a smaller size (--size)"
            )

    def _as_in_source(self, kept: Sequence[Still], delays: list[Fraction]) -> list[Fraction]:
        """With what the source's file says where viewers show another delay: 0 stays 0."""
        if self._about.details.get("format") != self.format:
            return delays
        said: Sequence[Fraction] = self._about.details.get("delays", ())
        return [
            said[still.number]
            if still.number < len(said) and shown_for(said[still.number]) == delay
            else delay
            for still, delay in zip(kept, delays, strict=True)
        ]


def paced(
    stills: Sequence[Still], tick: Fraction | None, least: Fraction
) -> tuple[list[Still], list[Fraction]]:
    """Which frames are written, and how long each is shown, in seconds.

    Args:
        stills: at least one, in order.
        tick: delays are multiples of it, in seconds; None is any delay.
        least: the shortest delay, in seconds; what would follow sooner is left out.
    """
    start = stills[0].time

    def place(time: Fraction) -> Fraction:
        return time - start if tick is None else round((time - start) / tick) * tick

    kept = [stills[0]]
    for still in stills[1:]:
        if place(still.time) - place(kept[-1].time) >= least:
            kept.append(still)
    ends = [*(place(still.time) for still in kept[1:]), place(shown_until(stills))]
    delays = [end - place(still.time) for still, end in zip(kept, ends, strict=True)]
    return kept, [max(delay, least) for delay in delays]
