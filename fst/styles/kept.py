"""A painting that is looked at now, and seen at any size later."""

import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from torch import Tensor

from fst.errors import AssetError, FstWarning
from fst.image.painting import check_painting, open_painting, seen_part
from fst.image.picture import Picture, resize
from fst.styles.objective import style_target
from fst.styles.paintings import find_painting

AMPLE = 1024
"""Pixels of a painting's short side from which a net sees no more: what is decoded of a JPEG."""

FEW = 64
"""Pixels of a short side below which a net sees no strokes: what it paints is a blur."""

NAME = "the painting"
"""What a picture that is no file is called in messages."""

Sized = Callable[[int], Tensor]
"""From the long side in pixels to the painting at that size, ``(1, 3, H, W)``."""


def kept_painting(image: str | Picture, size: int, sha256: str | None = None) -> Sized:
    """:func:`~fst.styles.objective.style_target` of any size, later.

    Its file is read and decoded now, and may be gone then. It is decoded once where one size is
    asked for, and again for every further one: kept, a large painting would fill the memory.

    Args:
        image: as for :func:`~fst.styles.objective.style_target`, and so is ``sha256``.
        size: long side in pixels at which it has to be a painting to learn from.
        sha256: of the painting's file, where it is known.

    Raises:
        AssetError: neither the painting nor a portrait can be had.
        InputError: it is no painting to learn from (:func:`~fst.image.painting.load_painting`).
    """
    if isinstance(image, Picture):
        seen = seen_part(image, NAME)
        check_painting(seen, size, NAME)
        _say_if_small(seen, NAME)
        return lambda other: _resized(seen, other, NAME)
    try:
        path = find_painting(image, sha256)
    except AssetError:
        return _kept_portrait(image, size, sha256)
    held = [looked_at(path, size)]
    content = path.read_bytes()

    def sized(other: int) -> Tensor:
        try:
            picture = held.pop()
        except IndexError:  # used, perhaps by another thread
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FstWarning)  # said when it was opened
                picture = open_painting(BytesIO(content), AMPLE, name=str(path))
        return _resized(picture, other, str(path))

    return sized


def looked_at(path: Path, size: int) -> Picture:
    """A painting's file, decoded, once it is known that its style can be learned at a size.

    Args:
        path: of the painting.
        size: long side in pixels.

    Raises:
        InputError: it is no painting to learn from.
    """
    picture = open_painting(path, AMPLE)
    check_painting(picture, size, str(path))
    _say_if_small(picture, str(path))
    return picture


def _say_if_small(picture: Picture, name: str) -> None:
    width, height = picture.size
    if min(width, height) < FEW:
        warnings.warn(
            f"{name} has few pixels, {width}x{height}: its net paints a blur; give a picture of "
            f"at least {FEW} pixels on the short side",
            FstWarning,
            stacklevel=4,
        )


def _kept_portrait(image: str, size: int, sha256: str | None) -> Sized:
    """Of a shipped painting that is missing; else it is told that it is."""
    portrait = style_target(image, size, sha256)

    def sized(other: int) -> Tensor:
        if other == size:
            return portrait
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FstWarning)  # said above
            return style_target(image, other, sha256)

    return sized


def _resized(picture: Picture, size: int, name: str) -> Tensor:
    check_painting(picture, size, name)
    return resize(picture, size).rgb
