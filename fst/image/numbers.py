"""What the numbers of a gray picture mean, where they are no plain 8 bits: which of them is white.

A format says it, or the numbers have to show it; then a warning says what was taken for white.
Where neither tells, the picture is refused: whatever was made of it would be a guess.
"""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fst.errors import FstWarning, InputError

BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE, SAMPLE_FORMAT = 258, 262, 281, 339
GRAY_TAGS = (BITS_PER_SAMPLE, PHOTOMETRIC, MAX_SAMPLE, SAMPLE_FORMAT)
"""The tags of a TIFF that say what its numbers mean (TIFF 6.0, sections 3, 8 and 19)."""

SIGNED = 2
"""Of SampleFormat: whole numbers with a sign."""

TWELVE_BITS = 4095

ADVICE = "save it as plain gray or RGB of 8 or 16 bits"

DARKEST = 16
"""No picture is so dark that its largest number is a 16th of white."""


def is_deep(image: Image.Image, tags: Mapping[int, Any]) -> bool:
    """Whether a PIL picture is gray, of other numbers than plain 8 bits."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return True
    return image.mode == "L" and _first(tags, SAMPLE_FORMAT, 1) == SIGNED


def read_deep_gray(
    image: Image.Image, tags: Mapping[int, Any], name: str
) -> tuple[Tensor, Tensor | None]:
    """Gray and alpha, ``(1, 1, H, W)`` in [0, 1] each; no alpha where nothing is transparent.

    Args:
        image: of whole numbers of 12, 16 or 32 bits, with or without a sign, or of floats.
        tags: :data:`GRAY_TAGS` of the TIFF file that it comes from.
        name: what to call the picture in messages.

    Raises:
        InputError: numbers that are not finite or below black, or no telling which is white.
    """
    array = _numbers(image, tags)
    if not np.isfinite(array).all():
        raise InputError(f"{name}: a picture of floats that are not finite (NaN or infinity)")
    low, high = float(array.min()), float(array.max())
    white = _white(image, tags, low, high, name)
    gray = torch.from_numpy(array.astype(np.float32)).div_(white).clamp_(0, 1)
    if _first(tags, PHOTOMETRIC, 1) == 0 and image.mode != "L":  # PIL heeds it for 8 bits only
        gray = 1 - gray
    hidden = image.info.get("transparency")
    alpha = torch.from_numpy(array != hidden).float() if isinstance(hidden, int) else None
    return gray[None, None], None if alpha is None else alpha[None, None]


def say_if_dark(high: float, name: str, becomes: str = "black") -> None:
    """Warns of numbers of 16 bits that use 12 at most, as cameras and scanners leave them."""
    if 0 < high <= TWELVE_BITS:
        _say(f"{name} comes out nearly {becomes}: it uses no more than the lower 12 of its 16 bits")


def _numbers(image: Image.Image, tags: Mapping[int, Any]) -> NDArray[Any]:
    array = np.asarray(image)
    if image.mode == "L":
        return array.view(np.int8)
    unsigned = SAMPLE_FORMAT not in tags or _first(tags, SAMPLE_FORMAT, 1) == 1
    if image.mode == "I" and unsigned and _first(tags, BITS_PER_SAMPLE, 0) == 32:
        return array.view(np.uint32)
    return array


def _white(
    image: Image.Image, tags: Mapping[int, Any], low: float, high: float, name: str
) -> float:
    if image.mode == "F":
        return _white_of_floats(low, high, name)
    bits = int(_first(tags, BITS_PER_SAMPLE, 32 if image.mode == "I" else 16))
    if image.mode == "I" and image.format == "PPM":  # which PIL has scaled
        bits, signed = 16, False
    else:
        signed = image.mode == "L" or (
            (image.mode == "I" and not tags) or _first(tags, SAMPLE_FORMAT, 1) == SIGNED
        )
    if low < 0:
        raise InputError(
            f"{name} holds whole numbers from {low:g} to {high:g}, and what is below 0 is no "
            f"brightness: {ADVICE}"
        )
    full = 2.0 ** (bits - 1 if signed else bits) - 1
    named = float(_first(tags, MAX_SAMPLE, full))
    if 0 < high <= named < full:
        return _said(named, "that is the largest number by its own account", name)
    if bits < 32:
        if bits == 16:
            from_white = _first(tags, PHOTOMETRIC, 1) == 0
            say_if_dark(high, name, "white" if from_white else "black")
        return full
    for white in (255.0, 65535.0):
        if white / DARKEST < high <= white:
            return _said(white, f"its numbers of 32 bits end at {high:g}", name)
    if 0 < high <= full / DARKEST:
        raise InputError(
            f"{name} holds whole numbers up to {high:g}, which don't tell what is white: {ADVICE}"
        )
    return full


def _white_of_floats(low: float, high: float, name: str) -> float:
    """Floats may be above white, and below black, by an overshoot.

    Sharpening and resampling leave it. As long as one is not twice as bright, it does not change
    what the others mean.
    """
    white = next((white for white in (1.0, 255.0, 65535.0) if high <= 2 * white), 0.0)
    unclear = not white or (white > 1 and high <= white / DARKEST)
    if unclear or low < -white / 4:
        raise InputError(
            f"{name} holds floats from {low:g} to {high:g}, which don't tell what is black and "
            f"white: scale them to 0 to 1, or {ADVICE}"
        )
    return white if white == 1 else _said(white, f"its floats end at {high:g}", name)


def _said(white: float, why: str, name: str) -> float:
    _say(f"{name}: {white:g} is taken for white, since {why}")
    return white


def _say(message: str) -> None:
    warnings.warn(message, FstWarning, stacklevel=6)


def _first(tags: Mapping[int, Any], tag: int, default: float) -> float:
    """A tag's value, or the first of those for each channel."""
    value = tags.get(tag, default)
    if isinstance(value, tuple | list):
        value = value[0] if value else default
    return value if isinstance(value, int | float) else default
