"""Pictures with next to nothing in them, and what they are normalized with.

Instance norm divides by a channel's deviation over the picture. Of white paper there is none: the
mean takes the color away, and one dot is blown up to a blob over half of the picture. Such a
picture is normalized as if it hung among photos: white stays light, calm areas stay calm.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from skimage import data
from torch import Tensor

DEVIATION = (0.02, 0.04)
"""Mean deviation of the three colors, of 1: none at the first, a photo from the second on. Of 1,853
photos the least has 0.047 (docs/log.md)."""

SMOOTH_DEVIATION = (0.01, 0.02)
"""The same of means of :data:`GRAIN` squared, in which a scan's or a sensor's grain is gone. Of 633
photos the least has 0.039."""

GRAIN = 8
"""Of the pixels that are looked at, across and down; fewer of a small picture."""

ONE_COLOR = (0.88, 0.72)
"""Share of the pixels in the most frequent color: paper with lines or text down to the first, a
photo from the second on. Of 1,853 photos, many of them of things on white, the most has 0.69."""

LEVELS = 64
"""In which each color is counted: a step is 4 of 255."""

ENOUGH = 50_000
"""Pixels that are looked at; of more, some are left out evenly."""

SIDE = 192
"""Of each of the four photos that a flat picture hangs among."""

LIGHT = 0.7
"""In which they hang: among dim photos white is as light as a style has it, and black as dark."""


@dataclass(frozen=True)
class Surroundings:
    """What a picture is normalized together with.

    Attributes:
        moments: mean and variance of every channel, ``(C,)`` each, at one norm after the other.
        share: of the picture itself, from 0 to 1; the rest is its surroundings.
    """

    moments: Sequence[tuple[Tensor, Tensor]]
    share: float

    def mixed(self, number: int, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The moments of the picture and its surroundings together, at a norm."""
        theirs, their_variance = self.moments[number]
        own, other = self.share, 1 - self.share
        spread = own * other * (mean - theirs).square()  # the law of total variance
        return own * mean + other * theirs, own * variance + other * their_variance + spread


def fullness(photo: Tensor) -> float:
    """How much of a photo a picture is: 1 for photos, 0 for what is blank, between them a slope.

    Args:
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
    """
    step = max(1, math.isqrt(photo.shape[2] * photo.shape[3] // ENOUGH))
    looked_at = photo[0, :, ::step, ::step].float()
    grain = max(1, min(GRAIN, min(looked_at.shape[1:]) // GRAIN))
    smooth = F.avg_pool2d(looked_at, grain)
    pixels = looked_at.flatten(1)  # (3, N)
    share = max(_largest_share(pixels, offset) for offset in (0.0, 0.5))
    return min(
        _slope(_deviation(pixels), *DEVIATION),
        _slope(_deviation(smooth.flatten(1)), *SMOOTH_DEVIATION),
        _slope(share, *ONE_COLOR),
    )


def _deviation(pixels: Tensor) -> float:
    return float(pixels.std(1, correction=0).mean())


def _largest_share(pixels: Tensor, offset: float) -> float:
    """Of the pixels whose color is the most frequent one; the levels begin at an offset."""
    levels = (pixels * LEVELS + offset).long().clamp_(0, LEVELS)
    codes = (levels[0] * (LEVELS + 1) + levels[1]) * (LEVELS + 1) + levels[2]
    return float(codes.bincount().max()) / codes.numel()


def _slope(value: float, none: float, whole: float) -> float:
    return min(1.0, max(0.0, (value - none) / (whole - none)))


@cache
def photos_around() -> Tensor:
    """Four photos that come with scikit-image, side by side and dim: ``(1, 3, 384, 384)``."""
    makers: list[Callable[[], Any]] = [data.astronaut, data.coffee, data.chelsea, data.rocket]
    photos = (Image.fromarray(make()) for make in makers)
    four = [np.asarray(p.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for p in photos]
    square = np.block([[[four[0]], [four[1]]], [[four[2]], [four[3]]]])
    return torch.from_numpy(square.copy()).permute(2, 0, 1)[None].float() * (LIGHT / 255)
