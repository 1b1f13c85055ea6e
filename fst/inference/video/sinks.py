"""Which writer writes a clip."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import numpy as np

from fst.errors import InputError
from fst.inference.video.animation_sink import FORMATS, AnimationSink
from fst.inference.video.codecs import Encoding, pick_crf, pick_encoder, pick_kind, usual_codec
from fst.inference.video.colors import FULL, Colors, usual_matrix
from fst.inference.video.encode import Recipe, write_segment
from fst.inference.video.folder_sink import FolderSink, is_folder_target
from fst.inference.video.frames import About, Frame, Sink, Source
from fst.inference.video.join import join_segments

__all__ = ["Encoding", "Video", "open_sink"]


@dataclass
class Video:
    """A :class:`~fst.inference.video.frames.Sink`: a video file.

    Attributes:
        source: what is painted; a video file lends its sound.
        recipe: how frames are encoded.
        record: kept in the file as its comment.
    """

    source: Source
    recipe: Recipe
    record: str | None = None
    suffix: str = field(default=".mkv", init=False)
    transparent: bool = field(default=False, init=False)

    def write_segment(self, path: Path, frames: Iterable[Frame]) -> None:
        """Encodes frames to ``path``, taking them one by one."""
        write_segment(path, frames, self.recipe)

    def join(self, segments: list[Path], target: Path) -> list[str]:
        """Makes the finished clip of all segments, with the source's sound; whole or not at all."""
        return join_segments(segments, target, self.source, self.recipe, self.record)


def open_sink(
    target: str | Path,
    source: Source,
    encoding: Encoding = Encoding(),  # noqa: B008  it is frozen
    record: str | None = None,
    replace: bool = False,
) -> Sink:
    """A writer for a clip; what can be wrong with it is found before any frame is painted.

    Args:
        target: file to write; its suffix says which container, or kind of animation. Without one,
            and where it is a pattern, it is a folder of numbered frames.
        source: what is painted. ``about`` has the size of the painted frames.
        encoding: as asked for.
        record: how it was painted, as JSON, to be kept in the file.
        replace: a folder of frames may be there, and is replaced.

    Raises:
        InputError: there is no such container or encoder, or it can't encode this.
    """
    target = Path(target)
    picked = check_encoding(target, encoding)
    if picked is None:
        told = None if record is None else json.loads(record)
        if is_folder_target(target):
            return FolderSink(target, source, record=told, replace=replace)
        return AnimationSink(target, source, record=told)
    recipe = _recipe(*picked, source.about)
    write_segment(BytesIO(), _blank(source.about), recipe)
    return Video(source, recipe, record)


def check_encoding(target: Path, encoding: Encoding) -> tuple[str, int | None] | None:
    """The encoder for a target and its rate factor; None where it is no video.

    Args:
        target: as of :func:`open_sink`.
        encoding: as asked for.

    Raises:
        InputError: there is no such container or encoder, or they don't fit each other.
    """
    if is_folder_target(target) or target.suffix.lower() in FORMATS:
        if encoding != Encoding():
            raise InputError(
                f"codec and crf (--codec, --crf) are for videos, and {target.name} is none"
            )
        return None
    encoder = pick_encoder(encoding.codec, target)
    return encoder, pick_crf(encoding.crf, encoder, encoding.codec or usual_codec(target))


def _recipe(encoder: str, crf: int | None, about: About) -> Recipe:
    width, height = about.width, about.height
    kind = pick_kind(encoder, width, height)
    colors = about.details.get("colors", Colors(usual_matrix(width, height)))
    if kind in ("gbrp", "bgr0", "rgb24", "bgr24"):
        colors = replace(colors, matrix=0, range=FULL)
    else:
        colors = colors.as_yuv(width, height)
    return Recipe(encoder, crf, kind, about.rate, colors, about.details.get("pixel_aspect"))


def _blank(about: About) -> list[Frame]:
    pixels = np.full((about.height, about.width, 3), 128, np.uint8)
    return [Frame(pixels, number, number / Fraction(about.rate)) for number in range(2)]
