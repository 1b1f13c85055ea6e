"""Pictures that show nothing: how they are told from others."""

import torch
from torch import Tensor

BLANK_DEVIATION = 0.01
"""In units of the [0, 1] range: a photo that deviates less from its mean shows nothing."""


def is_blank(photos: Tensor) -> Tensor:
    """Whether photos show nothing: paper, a cap on the lens, a piece of plain sky.

    A net with instance norm can't learn from them. The norm takes their only color away and divides
    what is left, rounding errors, by nearly nothing: every layer makes the gradient up to 300 times
    larger (``1 / sqrt(eps)``), until it is no longer finite. What it should be is zero, for all
    weights before the last norm.

    Args:
        photos: ``(N, 3, H, W)`` in [0, 1].

    Returns:
        ``(N,)``, bool: whether every channel's standard deviation is below
        :data:`BLANK_DEVIATION`.
    """
    photos = photos if photos.dtype == torch.float64 else photos.float()
    deviations = photos.flatten(2).std(2, correction=0)  # (N, 3)
    return (deviations < BLANK_DEVIATION).all(1)
