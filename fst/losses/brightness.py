"""Whether a painted picture is light where the photo is light, and dark where it is dark.

A content layer of VGG-19 hardly feels brightness. A net that has learned for long paints white
paper as dark as black, where the painting's patterns come out better so (docs/log.md).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.image.luma import LUMA, luma
from fst.losses.colors import mean_and_covariance

BLUR = 16
"""Side in pixels of the squares whose mean brightness is compared: strokes are finer than that."""

UNSEEN = 0.03
"""Standard deviation of brightness, of 1, below which a photo or a painting counts as flat."""


def brightness_error(images: Tensor, photos: Tensor, painting: Tensor) -> Tensor:
    """How far coarse brightness is from the photo's, brought to the painting's mean and spread.

    Compressed by ``log(1 + x)``, and relative to the painting's variance: 0 where light and dark
    lie as in the photo.

    Args:
        images: ``(N, 3, H, W)``, RGB in [0, 1]; differentiable. No side shorter than :data:`BLUR`.
        photos: of the same shape.
        painting: :func:`~fst.losses.colors.color_moments`, ``(N, 9)`` or ``(1, 9)``.

    Returns:
        ``(N,)``, at least 0.

    Raises:
        ValueError: smaller pictures.

    Source:
        Brightness brought to another picture's mean and deviation: Gatys et al. 2016, "Preserving
        Color in Neural Artistic Style Transfer", section 4.2 (there the painting's to the photo's).
        As a term of a net's training: ours.
    """
    if min(images.shape[2:]) < BLUR:
        raise ValueError(f"brightness is compared from {BLUR} pixels on")
    mean, deviation = _moments(painting)
    own = luma(photos.float())
    spread = own.std((2, 3), correction=0, keepdim=True).clamp_min(UNSEEN)
    wanted = F.avg_pool2d((own - own.mean((2, 3), keepdim=True)) / spread, BLUR, BLUR // 2)
    found = (F.avg_pool2d(luma(images.float()), BLUR, BLUR // 2) - mean) / deviation
    return torch.log1p((found - wanted).square().mean((1, 2, 3)))


def _moments(painting: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of the brightness, ``(N, 1, 1, 1)`` each, of colors' moments."""
    means, covariance = mean_and_covariance(painting.float())
    mean, variance = torch.zeros_like(means[:, 0]), torch.zeros_like(means[:, 0])
    for i, one in enumerate(LUMA):  # numbers, no tensor of them: a GPU would be waited for
        mean = mean + one * means[:, i]
        for j, other in enumerate(LUMA):
            variance = variance + one * other * covariance[:, i, j]
    return mean.view(-1, 1, 1, 1), variance.clamp_min(UNSEEN**2).sqrt().view(-1, 1, 1, 1)
