"""Clips for other programs: :meth:`~fst.interfaces.loaded_style.LoadedStyle.video` and the like."""

import argparse
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fst.choices import FEATHER, MAX_PIXELS, STABLE
from fst.errors import InputError
from fst.inference.control import Control, Layer
from fst.inference.masks import Mask
from fst.inference.options import check_names
from fst.inference.record import painted_with
from fst.inference.video.clips import Progress, Way, comparison, forget, paint_file
from fst.inference.video.frames import Frame
from fst.inference.video.paint import as_picture, with_pixels
from fst.inference.video.piece import Painted, Piece
from fst.inference.video.sinks import Encoding
from fst.inference.video.sources import open_source
from fst.inference.video.steady import SteadyPainter
from fst.inference.video.targets import plan_clips, unfinished_clips
from fst.inference.video.threads import ahead
from fst.interfaces.arguments.video import moment
from fst.interfaces.conversion import to_mask, to_path
from fst.interfaces.own_modes import in_memory, own_modes
from fst.system.checks import number, one_of, optional, switch, whole_number
from fst.version import __version__

if TYPE_CHECKING:
    from fst.interfaces.loaded_style import LoadedStyle, MaskPicture

LONGEST = 1_000_000
"""Seconds of a clip that can be asked for."""


@dataclass(frozen=True)
class VideoOptions:
    """How a clip is painted.

    Attributes:
        strength: as for :class:`~fst.interfaces.loaded_style.LoadedStyle`, and so are
            ``preserve_color``, ``size``, ``upsample``, ``mask`` and ``feather``.
        stable: against flicker, one of :data:`fst.choices.STABLE`.
        start: from when on the clip is painted: seconds, or as the command takes it, ``"1:30"``.
        seconds: how many are painted, likewise; None is to the end.
        rate: frames a second of numbered frames.
        max_pixels: refuse larger frames.

    Raises:
        InputError: a value out of its range.
    """

    strength: float = 1.0
    preserve_color: str | None = None
    size: int | None = None
    upsample: str | None = None
    mask: "MaskPicture | None" = None
    feather: float | None = None
    stable: str = "auto"
    start: float | Fraction | str = 0.0
    seconds: float | Fraction | str | None = None
    rate: float | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        one_of("stable", self.stable, STABLE)
        whole_number("max_pixels", self.max_pixels, 1)
        if self.feather is not None and self.mask is None:
            raise InputError("feather is of no use without a mask")
        _ = self.control, self.piece, self.frame_rate

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "VideoOptions":
        """From their names; a name that is none is told with those that come close."""
        check_names(options, tuple(field.name for field in fields(cls)))
        return cls(**options)

    @property
    def control(self) -> Control:
        """Size, strength and the like."""
        blur = FEATHER if self.feather is None else self.feather
        return Control(self.strength, self.preserve_color, self.size, self.upsample, blur)

    @property
    def piece(self) -> Piece:
        """Of the clip."""
        seconds = None if self.seconds is None else _time("seconds", self.seconds, 1e-6)
        return Piece(_time("start", self.start, 0), seconds)

    @property
    def frame_rate(self) -> Fraction | None:
        """Of numbered frames."""
        return None if self.rate is None else _exact("rate", self.rate, 0.001, 1000)


def _time(name: str, value: Any, least: float) -> Fraction:
    """Seconds, also as the command takes them."""
    if isinstance(value, str):
        try:
            value = moment(value)
        except argparse.ArgumentTypeError as error:
            raise InputError(f"{name}: {error}") from error
    return _exact(name, value, least)


def _exact(name: str, value: Any, least: float, most: float = LONGEST) -> Fraction:
    """A number as it is written."""
    if isinstance(value, Fraction):
        number(name, float(value), least, most)
        return value
    return Fraction(str(number(name, value, least, most)))


@dataclass(frozen=True)
class Written:
    """How a clip is written, as for ``LoadedStyle.paint_video``."""

    crf: int | None = None
    codec: str | None = None
    overwrite: bool = False
    record: bool = True

    def __post_init__(self) -> None:
        optional(whole_number, "crf", self.crf, 0)
        switch("overwrite", self.overwrite)
        switch("record", self.record)
        if self.codec is not None and (not isinstance(self.codec, str) or not self.codec.strip()):
            raise InputError(f"codec is a name as 'h264', not {self.codec!r}")


def frames(
    style: "LoadedStyle", clip: str | os.PathLike[str], options: VideoOptions
) -> Iterator[Frame]:
    """Painted frames; what can be wrong is found at once, and not with the first one."""
    layers = _layers(style, options)
    source = open_source(Path(to_path(clip, "clip")), options.max_pixels, options.frame_rate)
    part = Painted(source, options.piece, options.control)
    painter = SteadyPainter(layers, options.control, options.stable)
    device = style.stylizer.device

    def painted() -> Iterator[Frame]:
        with ahead(part.frames()) as decoded:
            for frame in decoded:
                with own_modes(device), in_memory():  # not while the caller has the frame
                    finished = with_pixels(frame, painter(as_picture(frame)))
                yield replace(finished, time=frame.time + options.piece.start)

    return painted()


def paint_video(
    style: "LoadedStyle",
    clip: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: VideoOptions,
    written: Written,
    on_frame: Callable[[int, int | None], None] | None = None,
) -> list[str]:
    """See :meth:`~fst.interfaces.loaded_style.LoadedStyle.paint_video`."""
    layers = _layers(style, options)
    planned = plan_clips([to_path(clip, "clip")], to_path(target, "target"), style.name)
    if len(planned.jobs) != 1:
        raise InputError(f"{clip} holds {len(planned.jobs)} clips: give one")
    way = Way(
        layers, options.control, _common(style, layers[0], options), options.stable,
        Encoding(written.crf, written.codec), options.piece, options.frame_rate,
        options.max_pixels, written.record, written.overwrite, replace_frames=written.overwrite,
    )  # fmt: skip

    def tell(progress: Progress) -> None:
        if on_frame is not None:
            on_frame(progress.frames, progress.total)

    lines: list[str] = []
    left = unfinished_clips(
        planned.jobs, comparison(way), written.overwrite, replace_frames=written.overwrite
    )
    for job in planned.jobs:
        if job not in left:
            forget(job, way)
            continue
        with own_modes(style.stylizer.device), in_memory():
            painted = paint_file(job, way, tell)
            lines += [*painted.before, *painted.lines]
    return lines


def _layers(style: "LoadedStyle", options: VideoOptions) -> list[Layer]:
    return [Layer(style.stylizer, to_mask(options.mask))]


def _common(style: "LoadedStyle", layer: Layer, options: VideoOptions) -> dict[str, Any]:
    """What a result says; pictures that no file has are told by what is in them."""
    if style.style is None:
        raise InputError("a clip is painted in a style that fst.load has made")
    common = painted_with([style.style], [layer], options.control, program=f"fst {__version__}")
    if common is None:
        raise InputError("so many settings are too many for a clip")
    own: dict[str, Any] = {}
    if isinstance(layer.mask, Mask):
        own = {
            "mask": {"sha256": _sum(layer.mask.values)}, "feather": options.control.feather,
        }  # fmt: skip
    if style.style.picture is not None:
        own["painting"] = {"sha256": _sum(style.style.picture.rgb)}
    return {**common, "settings": {**common["settings"], **own}}


def _sum(values: Any) -> str:
    return hashlib.sha256(values.contiguous().numpy().tobytes()).hexdigest()
