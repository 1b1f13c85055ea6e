"""A small painted picture brought to the photo's size, with the photo's edges."""

import torch.nn.functional as F
from torch import Tensor

from fst.image.picture import resize_tensor
from fst.system.cancellation import stop_if_canceled

RADIUS = 2
"""Of the window in which a painted picture is compared with its photo, in small pixels."""

EPS = 1e-3
"""Variance of the photo's brightness below which a window counts as flat ([0, 1] squared)."""

_ROWS = 1 << 20


def guided_upsample(painted: Tensor, photo: Tensor) -> Tensor:
    """The painted picture at the photo's size: strokes as they were, edges as sharp as the photo's.

    In every small window the painted picture is as near as can be to a multiple of the photo's
    brightness, plus a constant (the guided filter). What the photo has at its full size, and lost
    when it was made small, is added with that factor: much where painted edges follow the photo's,
    nothing where they don't. Strokes, which the photo does not explain, are interpolated.

    Args:
        painted: ``(1, 3, h, w)`` in [0, 1], painted from the photo at that size.
        photo: ``(1, 3, H, W)`` in [0, 1].

    Returns:
        ``(1, 3, H, W)`` in [0, 1].

    Source:
        He & Sun 2015, "Fast Guided Filter", section 2 (there the residual is dropped); after Kopf
        et al. 2007, "Joint Bilateral Upsampling".
    """
    size = (photo.shape[2], photo.shape[3])
    if size[0] <= painted.shape[2] or size[1] <= painted.shape[3]:
        return resize_tensor(painted, size)  # there is nothing that the photo could add
    small = resize_tensor(photo, (painted.shape[2], painted.shape[3])).mean(1, keepdim=True)
    mean_guide, mean_painted = _box(small), _box(painted)
    variance = _box(small * small) - mean_guide * mean_guide
    covariance = _box(small * painted) - mean_guide * mean_painted
    factor = _box(covariance / (variance.clamp_min(0) + EPS)).clamp_(-1, 2)
    stop_if_canceled()  # each of these three takes about a second for 10 million pixels
    result = F.interpolate(painted, size, mode="bicubic", align_corners=False)
    stop_if_canceled()
    blurred = F.interpolate(small, size, mode="bicubic", align_corners=False)
    stop_if_canceled()
    factor = F.interpolate(factor, size, mode="bilinear", align_corners=False)
    step = max(1, _ROWS // size[1])
    for first in range(0, size[0], step):
        stop_if_canceled()
        rows = slice(first, first + step)
        detail = photo[:, :, rows].mean(1, keepdim=True) - blurred[:, :, rows]
        result[:, :, rows] += factor[:, :, rows] * detail
    return result.clamp_(0, 1)


def _box(image: Tensor) -> Tensor:
    padded = F.pad(image, (RADIUS,) * 4, mode="replicate")
    return F.avg_pool2d(padded, 2 * RADIUS + 1, 1)
