"""Random crops that follow from a seed and a place alone: no global random state, any thread."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

RATIO = (3 / 4, 4 / 3)
"""Width over height of a crop before it becomes square."""


class Crop(NamedTuple):
    """A rectangle of a photo in pixels, and whether it is mirrored."""

    top: int
    left: int
    height: int
    width: int
    flip: bool


def seeded(seed: int, place: int) -> torch.Generator:
    """Random numbers that follow from these two alone."""
    return torch.Generator().manual_seed((seed * 1_000_003 + place) % 2**63)


class CropAndFlip:
    """A random resized crop, mirrored half of the time; the same for the same ``place``.

    Args:
        sizes: sides of the square that comes out, in pixels: the batches take them in turn.
        min_scale: the smallest share of a photo's area that a crop shows; above 0, at most 1.
        seed: of all crops.
        batch_size: how many places in a row make a batch, and are of one size.

    Source:
        Szegedy et al. 2014, "Going Deeper with Convolutions", section 6.
    """

    def __init__(
        self, sizes: int | Sequence[int], min_scale: float, seed: int, batch_size: int = 1
    ) -> None:
        self.sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)
        self.min_scale, self.seed, self.batch_size = min_scale, seed, batch_size
        self.short_side = math.ceil(max(self.sizes) / math.sqrt(min_scale * RATIO[0]))
        """A photo with no side shorter than this gives crops that need not be enlarged."""

    def __call__(self, photo: Tensor, place: int) -> Tensor:
        """``(3, H, W)`` uint8 to ``(3, size, size)`` float32 in [0, 1], on the photo's device."""
        height, width = photo.shape[1:]
        top, left, h, w, flip = self.rectangle(height, width, place)
        square = 2 * [self.sizes[place // self.batch_size % len(self.sizes)]]
        crop: Tensor = F.resized_crop(photo, top, left, h, w, square, antialias=True)
        crop = crop.flip(2) if flip else crop
        return crop.float() / 255

    def rectangle(self, height: int, width: int, place: int) -> Crop:
        """Where to cut a photo of that size."""
        # as many numbers for every photo: none depends on how many tries another one took
        numbers = torch.rand(23, generator=seeded(self.seed, place), dtype=torch.float64).tolist()
        flip, down, across = numbers[0] < 0.5, numbers[1], numbers[2]
        low, high = (math.log(ratio) for ratio in RATIO)
        for area, ratio in zip(numbers[3::2], numbers[4::2], strict=True):
            share = self.min_scale + (1 - self.min_scale) * area
            aspect = math.exp(low + (high - low) * ratio)
            w = round(math.sqrt(share * height * width * aspect))
            h = round(math.sqrt(share * height * width / aspect))
            if 0 < w <= width and 0 < h <= height:
                break
        else:  # a panorama: the largest rectangle in its middle
            w = min(width, max(1, round(height * RATIO[1])))
            h = min(height, max(1, round(width / RATIO[0])))
            down = across = 0.5
        top, left = int((height - h + 1) * down), int((width - w + 1) * across)
        return Crop(top, left, h, w, flip)
