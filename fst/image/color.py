"""Colors of the photo on the strokes of the painting.

Pure functions on pictures ``(1, 3, H, W)``, RGB in [0, 1].
"""

from collections.abc import Iterator

import numpy as np
import torch
from skimage.exposure import match_histograms
from torch import Tensor

from fst.choices import PRESERVE
from fst.errors import InputError
from fst.image.luma import LUMA
from fst.image.transparency import is_seen

_ROWS = 1 << 20
"""Pixels that are converted at a time, so that temporaries stay small."""

# ITU-R BT.601, full range: JPEG's
_TO_YCBCR = torch.tensor([LUMA, [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
# sRGB primaries, D65 (IEC 61966-2-1)
_TO_XYZ = torch.tensor(
    [
        [0.4123908, 0.3575843, 0.1804808],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308, 0.1191948, 0.9505322],
    ]
)
_KNEE = 6 / 29


def preserve_color(painted: Tensor, photo: Tensor, how: str, alpha: Tensor | None = None) -> Tensor:
    """The painted picture with the photo's colors.

    Args:
        painted: ``(1, 3, H, W)`` in [0, 1]; it is changed in place.
        photo: the same shape.
        how: ``"luma"`` keeps the photo's Cb and Cr (BT.601), ``"lab"`` its a and b (CIELAB), and
            takes the brightness of the painted picture; ``"histogram"`` gives every channel the
            photo's histogram.
        alpha: of the photo, ``(1, 1, H, W)``: what is not seen does not count in a histogram, and
            stays as it was painted.

    Returns:
        ``painted``, in [0, 1].

    Raises:
        InputError: another way.

    Source:
        Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer", sections 3 and 4.
    """
    if how not in PRESERVE:
        raise InputError(f"preserve_color must be one of {', '.join(PRESERVE)}, not {how!r}")
    if how == "histogram":
        return match_channels(painted, photo, None if alpha is None else is_seen(alpha[0, 0]))
    swap = _swap_chroma if how == "luma" else _swap_ab
    for rows, theirs in zip(_pieces(painted), _pieces(photo), strict=True):
        rows.copy_(swap(rows, theirs.to(rows.device)).clamp_(0, 1))
    return painted


def match_channels(painted: Tensor, photo: Tensor, seen: Tensor | None = None) -> Tensor:
    """Gives every channel the photo's histogram, in place.

    Both histograms are of 8 bits: that is how they are counted, and how it will be written.

    Args:
        painted: ``(1, 3, H, W)`` in [0, 1].
        photo: ``(1, 3, H', W')``, of the same size where there is ``seen``.
        seen: ``(H, W)``: the pixels that count, and that are changed; None is all.
    """
    arrays = [
        image[0].mul(255).round().byte().permute(1, 2, 0).cpu().numpy()
        for image in (painted, photo)
    ]
    if seen is None or bool(seen.all()):
        matched = match_histograms(*arrays, channel_axis=-1).astype(np.float32)
        return painted.copy_(torch.from_numpy(matched).permute(2, 0, 1)[None].div_(255))
    places = seen.cpu().numpy()
    if places.any():
        parts = match_histograms(*(array[places] for array in arrays), channel_axis=-1)
        matched = torch.from_numpy(parts.astype(np.float32)).div_(255)  # (pixels, 3)
        painted[0, :, seen] = matched.T.to(painted.device)
    return painted


def _pieces(image: Tensor) -> Iterator[Tensor]:
    yield from torch.split(image, max(1, _ROWS // image.shape[3]), dim=2)


def _mix(matrix: Tensor, image: Tensor) -> Tensor:
    return torch.einsum("oc,nchw->nohw", matrix.to(image.device), image)


def _swap_chroma(painted: Tensor, photo: Tensor) -> Tensor:
    luma = _mix(_TO_YCBCR[:1], painted)
    chroma = _mix(_TO_YCBCR[1:], photo)
    return _mix(torch.linalg.inv(_TO_YCBCR), torch.cat([luma, chroma], 1))


def _swap_ab(painted: Tensor, photo: Tensor) -> Tensor:
    return lab_to_rgb(torch.cat([rgb_to_lab(painted)[:, :1], rgb_to_lab(photo)[:, 1:]], 1))


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """SRGB in [0, 1] to CIELAB under D65: L in [0, 100], a and b about in [-110, 110]."""
    linear = torch.where(rgb > 0.04045, ((rgb + 0.055) / 1.055).clamp_min(0) ** 2.4, rgb / 12.92)
    xyz = _mix(_TO_XYZ / _TO_XYZ.sum(1, keepdim=True), linear)
    f = torch.where(xyz > _KNEE**3, xyz.clamp_min(0) ** (1 / 3), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = torch.split(f, 1, 1)
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], 1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """The inverse of :func:`rgb_to_lab`; colors outside of sRGB leave [0, 1]."""
    lightness, a, b = torch.split(lab, 1, 1)
    y = (lightness + 16) / 116
    f = torch.cat([y + a / 500, y, y - b / 200], 1)
    xyz = torch.where(f > _KNEE, f**3, 3 * _KNEE**2 * (f - 4 / 29))
    linear = _mix(torch.linalg.inv(_TO_XYZ / _TO_XYZ.sum(1, keepdim=True)), xyz)
    powered = 1.055 * linear.clamp_min(0) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, powered, 12.92 * linear)
