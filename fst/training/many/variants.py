"""Variants of a painting: crops, mirrored and in other colors; what they are follows from place."""

import hashlib
import itertools
import math
from dataclasses import replace

import torch
from torch import Tensor

from fst.image.picture import Picture, resize

LEAST_AREA = 0.45
"""Share of a painting's area that the smallest crop shows."""

GAINS = (0.75, 1.25)
"""Of each channel, where colors are changed."""

CONTRASTS = (0.8, 1.2)

PERMUTED = 0.25
"""Share of the variants with other colors whose channels are exchanged, too."""

_ORDERS = list(itertools.permutations(range(3)))[1:]


def variant(picture: Picture, sha256: str, size: int, number: int, seed: int) -> Tensor:
    """A variant of a painting, with strokes as large as in the whole painting at that size.

    Number 0 is the whole painting as it is, number 1 a crop, mirrored half of the time; further
    ones are such crops in other colors.

    Args:
        picture: the painting, at any size.
        sha256: of its file: its crops follow from it, not from the picture's name.
        size: long side in pixels at which the whole painting is seen.
        number: which variant.
        seed: of all variants.

    Returns:
        ``(1, 3, H, W)``, RGB in [0, 1], with sides up to ``size``.
    """
    if number == 0:
        return resize(picture, size).rgb
    key = hashlib.sha256(f"variant {seed} {sha256} {size} {number}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key[:8], "big") >> 1)
    numbers = torch.rand(10, generator=generator, dtype=torch.float64).tolist()
    area, down, across, mirrored, contrast, *gains, permuted, order = numbers
    rgb = _crop(picture, size, area, down, across)
    rgb = rgb.flip(3) if mirrored < 0.5 else rgb
    if number == 1:
        return rgb
    gain = rgb.new_tensor([_between(GAINS, value) for value in gains]).view(1, 3, 1, 1)
    rgb = ((rgb - 0.5) * _between(CONTRASTS, contrast) + 0.5) * gain
    if permuted < PERMUTED:
        rgb = rgb[:, list(_ORDERS[int(order * len(_ORDERS))])]
    return rgb.clamp(0, 1)


def _crop(picture: Picture, size: int, area: float, down: float, across: float) -> Tensor:
    """A part of a painting, resized as the whole would be."""
    width, height = picture.size
    side = math.sqrt(LEAST_AREA + (1 - LEAST_AREA) * area)
    w, h = max(1, round(width * side)), max(1, round(height * side))
    top, left = int((height - h + 1) * down), int((width - w + 1) * across)
    inside = (..., slice(top, top + h), slice(left, left + w))
    alpha = None if picture.alpha is None else picture.alpha[inside]
    part = replace(picture, rgb=picture.rgb[inside], alpha=alpha)
    return resize(part, max(1, round(max(w, h) * size / max(width, height)))).rgb


def _between(limits: tuple[float, float], share: float) -> float:
    low, high = limits
    return low + (high - low) * share
