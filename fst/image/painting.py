"""A style's painting, read at a size: what is no painting to learn from is refused in one line."""

import warnings
from pathlib import Path
from typing import IO

from torch import Tensor

from fst.choices import MAX_PIXELS, MIN_SIDE
from fst.errors import FstWarning, InputError
from fst.image.decoding import decoded
from fst.image.picture import Picture, from_pil, resize
from fst.image.transparency import is_seen

ONE_COLOR = 1.5 / 255
"""No channel of a flat painting varies by more."""


def load_painting(
    file: str | Path | IO[bytes], size: int, at_least: int | None = None, name: str | None = None
) -> Tensor:
    """The painting at a style size; of one that is partly transparent, what is seen of it.

    Args:
        file: a picture's path, or an open binary file.
        size: its long side in pixels: above its own it is enlarged.
        at_least: as for :func:`open_painting`.
        name: what to call it in messages; None takes the file's.

    Returns:
        ``(1, 3, H, W)``, RGB in [0, 1].

    Raises:
        InputError: no picture, too small or too thin at that size, or absurdly large, transparent
            all over, or of one color.
    """
    picture = open_painting(file, at_least, name=name)
    check_painting(picture, size, str(file) if name is None else name)
    return resize(picture, size).rgb


def painting_of(picture: Picture, size: int, name: str = "the painting") -> Tensor:
    """As :func:`load_painting`, of a picture that is decoded.

    Args:
        picture: of any size.
        size: its long side in pixels.
        name: what to call it in messages.
    """
    picture = seen_part(picture, name)
    check_painting(picture, size, name)
    return resize(picture, size).rgb


def seen_part(picture: Picture, name: str = "the painting") -> Picture:
    """As :func:`open_painting`, of a picture that is decoded.

    Args:
        picture: of any size.
        name: what to call it in messages.
    """
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise InputError(f"{name}: {width}x{height} is too small, {MIN_SIDE} is the least")
    return _seen(picture, name)


def open_painting(
    file: str | Path | IO[bytes],
    at_least: int | None = None,
    least: int = MIN_SIDE,
    name: str | None = None,
) -> Picture:
    """A painting at its own size; of one that is partly transparent, what is seen of it.

    Args:
        file: a picture's path, or an open binary file.
        at_least: JPEGs may come at 1/2, 1/4 or 1/8 of their size, but with no side shorter than
            this, in pixels: much quicker for large ones.
        least: pixels that its short side must have.
        name: what to call it in messages; None takes the file's.

    Raises:
        InputError: no picture, too small, or transparent all over.
    """
    with decoded(file, MAX_PIXELS, least, name, at_least) as (image, tags, name):
        return _seen(from_pil(image, tags, name), name)


def check_painting(picture: Picture, size: int, name: str, least: int = MIN_SIDE) -> None:
    """Makes sure that there is a style to be learned from a painting at a style size.

    Args:
        picture: from :func:`open_painting`.
        size: its long side in pixels.
        name: what to call it in messages.
        least: pixels that its short side must have then.

    Raises:
        InputError: too small or too thin at that size, or absurdly large, or of one color.
    """
    width, height = picture.size
    scale = size / max(width, height)
    wide, tall = max(1, round(width * scale)), max(1, round(height * scale))
    if min(wide, tall) < least:
        raise InputError(
            f"{name}: at a style size of {size} this painting is {wide}x{tall}, and {least} "
            "pixels are the least: give a larger style size, or crop the painting"
        )
    if wide * tall > MAX_PIXELS:
        raise InputError(
            f"{name}: at a style size of {size} this painting is {wide}x{tall}, more than "
            f"{MAX_PIXELS / 1e6:.0f} megapixels: give a smaller style size"
        )
    channels = picture.rgb.flatten(2)
    if float((channels.amax(2) - channels.amin(2)).max()) < ONE_COLOR:
        raise InputError(f"{name} is of one color: there is no style to learn from it")


def _seen(picture: Picture, name: str) -> Picture:
    """The part of a painting in which something is seen; what is transparent in it is said."""
    if picture.alpha is None:
        return picture
    seen = is_seen(picture.alpha)[0, 0]
    if not bool(seen.any()):
        raise InputError(f"{name} is transparent all over: there is no painting to be seen")
    (rows,), (columns,) = (seen.any(side).nonzero(as_tuple=True) for side in (1, 0))
    inside = (
        ...,
        slice(int(rows[0]), int(rows[-1]) + 1),
        slice(int(columns[0]), int(columns[-1]) + 1),
    )
    if not bool(seen.all()):
        warnings.warn(
            f"{name} is transparent in {1 - seen.float().mean().item():.0%} of it: its style is "
            "learned from what is seen, and from colors that continue it",
            FstWarning,
            stacklevel=5,
        )
    return Picture(picture.rgb[inside], picture.alpha[inside])
