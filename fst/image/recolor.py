"""A painting in a photo's colors, or as bright as it: what keeps a photo's colors in a style.

Pure functions on pictures ``(1, 3, H, W)``, RGB in [0, 1].

Source: Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer".
"""

import torch
from torch import Tensor

from fst.choices import RECOLORS
from fst.image.color import match_channels
from fst.image.luma import luma
from fst.system.checks import one_of

UNSEEN = 1e-4
"""Added to a variance of colors, of 1: a gray painting has directions in which nothing varies."""


def recolored(painting: Tensor, photo: Tensor, how: str) -> Tensor:
    """The painting with the photo's distribution of colors.

    ``"cholesky"`` and ``"eigen"`` move and shear colors, ``A (c - mean) + mean'``, so that mean and
    covariance are the photo's: with ``A = L' L^-1`` of the Cholesky factors, or with the symmetric
    roots, ``S'^1/2 S^-1/2``, which moves colors less. ``"histogram"`` gives every channel the
    photo's histogram.

    Args:
        painting: ``(1, 3, H, W)``.
        photo: ``(1, 3, H', W')``, on the same device.
        how: one of :data:`~fst.choices.RECOLORS`.

    Returns:
        Of the painting's shape, in [0, 1].

    Raises:
        InputError: another way.

    Source:
        Gatys et al. 2016, section 3: color histogram matching, the Cholesky factors and those of
        Image Analogies.
    """
    one_of("recolor", how, RECOLORS)
    if how == "histogram":
        return match_channels(painting.clone(), photo)
    mean, spread = _moments(painting)
    wanted, wanted_spread = _moments(photo)
    root = torch.linalg.cholesky if how == "cholesky" else _symmetric_root
    matrix = root(wanted_spread) @ torch.linalg.inv(root(spread))
    colors = matrix @ (painting[0].double().flatten(1) - mean) + wanted
    found: Tensor = colors.to(painting.dtype).view_as(painting).clamp(0, 1)
    return found


def _moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Mean ``(3, 1)`` and covariance ``(3, 3)`` of the colors, float64."""
    colors = picture[0].double().flatten(1)
    mean = colors.mean(1, keepdim=True)
    centered = colors - mean
    covariance = centered @ centered.T / centered.shape[1]
    return mean, covariance + UNSEEN * torch.eye(3, dtype=covariance.dtype, device=mean.device)


def _symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    return root


def in_gray(picture: Tensor) -> Tensor:
    """The luma (BT.601) of ``(1, 3, H, W)`` in each of the three channels."""
    return luma(picture).expand(-1, 3, -1, -1).contiguous()


def as_bright(painting: Tensor, photo: Tensor) -> Tensor:
    """The painting in gray, with the mean and deviation of the photo's luma.

    Args:
        painting: ``(1, 3, H, W)``.
        photo: ``(1, 3, H', W')``.

    Returns:
        Of the painting's shape; what is beyond [0, 1] is not cut off, which would change both.

    Source:
        Gatys et al. 2016, section 4: luminance-only transfer.
    """
    own, theirs = luma(painting), luma(photo)
    scale = theirs.std(correction=0) / own.std(correction=0).clamp_min(UNSEEN)
    gray = (own - own.mean()) * scale + theirs.mean()
    return gray.expand(-1, 3, -1, -1).contiguous()
