"""Colors under transparency: nobody sees them, so nothing may depend on them.

What a program leaves under a transparent pixel (black, white, a key color, the rest of a photo) is
an accident. A net would see it all the same: it would reach over the edges of what is visible, and
into the statistics of instance norms. So it is replaced where a picture is read.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

HIDDEN = 1.5 / 255
"""An alpha below this is not seen: one part of 255 changes no color by more than one."""


def is_seen(alpha: Tensor) -> Tensor:
    """Where a picture is seen at all; boolean, of alpha's shape.

    Args:
        alpha: in [0, 1].
    """
    return alpha >= HIDDEN


def filled(rgb: Tensor, alpha: Tensor) -> Tensor:
    """The picture with its visible colors continued under what is transparent.

    Colors are averaged over ever larger squares, as much of each as is seen, and every hidden pixel
    takes that of the smallest square that has any, interpolated between squares.

    Args:
        rgb: ``(1, 3, H, W)`` in [0, 1].
        alpha: ``(1, 1, H, W)`` in [0, 1].

    Returns:
        The same shape; the very tensor where nothing is hidden, and black where nothing is seen.

    Source:
        Gortler et al. 1996, "The Lumigraph", section 3.4 (pull-push).
    """
    seen = is_seen(alpha)
    if bool(seen.all()):
        return rgb
    if not bool(seen.any()):
        return torch.zeros_like(rgb)
    return torch.where(seen, rgb, _from_coarser(rgb, alpha * seen))


def _from_coarser(colors: Tensor, weights: Tensor) -> Tensor:
    """For every pixel, the colors around it that have a weight: mixed in squares of twice the side.

    Where a weight is 0, the color is not used.
    """
    height, width = weights.shape[2:]
    parts = F.avg_pool2d(weights, 2, ceil_mode=True)
    means = F.avg_pool2d(colors * weights, 2, ceil_mode=True) / parts.clamp_min(1e-9)
    # with a weight of 1 from one whole pixel on: what is further away does not count then
    parts = (4 * parts).clamp_max_(1)
    if max(parts.shape) > 1:
        means = torch.lerp(_from_coarser(means, parts), means, parts)
    size = (2 * parts.shape[2], 2 * parts.shape[3])
    spread = F.interpolate(means, size, mode="bilinear", align_corners=False)
    return spread[:, :, :height, :width]
