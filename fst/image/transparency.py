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
    result, weights = torch.empty_like(rgb), alpha * seen
    coarse, parts = _halved(rgb, weights)
    spread_out = _mixed(coarse, parts)
    for channel in range(3):  # one at a time, to save memory
        around = _doubled(spread_out[:, channel : channel + 1], rgb.shape[2], rgb.shape[3])
        torch.where(seen[0, 0], rgb[0, channel], around[0, 0], out=result[0, channel])
    return result


def _halved(colors: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Mean colors of squares of 2 x 2 pixels, and their weights: 1 from one whole pixel on.

    What is further away does not count then.
    """
    parts = F.avg_pool2d(weights, 2, ceil_mode=True)
    sums = [F.avg_pool2d(color * weights, 2, ceil_mode=True) for color in torch.split(colors, 1, 1)]
    return torch.cat(sums, 1) / parts.clamp_min(1e-9), (4 * parts).clamp_max_(1)


def _mixed(colors: Tensor, weights: Tensor) -> Tensor:
    """Colors as far as they have a weight, and for the rest those of larger squares."""
    if max(weights.shape) == 1:
        return colors
    around = _doubled(_mixed(*_halved(colors, weights)), *weights.shape[2:])
    return torch.lerp(around, colors, weights)


def _doubled(colors: Tensor, height: int, width: int) -> Tensor:
    size = (2 * colors.shape[2], 2 * colors.shape[3])
    spread = F.interpolate(colors, size, mode="bilinear", align_corners=False)
    return spread[:, :, :height, :width]
