"""The Wasserstein distance of features taken as Gaussians, which has a closed form."""

import torch
from torch import Tensor

from fst.losses.functional import at_least_float32
from fst.losses.style.statistic import Statistic, Target, relative

RIDGE = 1e-4
"""Added to both covariances, in mean eigenvalues of the painting's: features have directions in
which nothing varies, where a square root's gradient would have no bounds."""


def measure(features: Tensor) -> dict[str, Tensor]:
    """Of the painting: the ``mean``, ``(1, C)``; the ``root`` of its covariance, ``(1, C, C)``.

    Besides the covariance's ``trace``, ``(1,)``, and the ``ridge`` that was added to it,
    ``(1, 1, 1)``.
    """
    mean, covariance = _gaussian(features)
    power = covariance.diagonal(dim1=1, dim2=2).sum(1) + mean.square().sum(1)
    tiny = torch.finfo(mean.dtype).tiny ** 0.5  # its square is above zero, too
    ridge = (RIDGE * power / mean.shape[1]).clamp_min(tiny)[:, None, None]
    covariance = _ridged(covariance, ridge)
    values, vectors = torch.linalg.eigh(_exact(covariance))
    values = values.clamp_min(0)
    root = vectors * values.sqrt()[:, None] @ vectors.transpose(1, 2)
    root, trace = root.to(mean), values.sum(1).to(mean)
    return {"mean": mean, "root": root, "trace": trace, "ridge": ridge}


def error(features: Tensor, target: Target, draw: int = 0) -> Tensor:
    """The squared Wasserstein-2 distance of two Gaussians, in the painting's own mean square.

    ``|m - m'|^2 + Tr S + Tr S' - 2 Tr (R' S R')^(1/2)``, where ``R'`` is the root of the painting's
    covariance ``S'``. Only eigenvalues of ``R' S R'`` are needed: their gradient is stable where
    two of them are equal, which a matrix root's is not. The ``(C, C)`` part is in float64: float32
    has not the digits for the small eigenvalues of a product of three.

    Args:
        features: ``(N, C, H, W)``, of the pictures being judged.
        target: from :func:`measure`.
        draw: nothing is drawn.

    Returns:
        ``(N,)``, at least 0 up to rounding; 1 for features that are zero, up to the ridge.

    Source:
        Dowson & Landau 1982, "The Fréchet distance between multivariate normal distributions"; for
        style: Mroueh 2020, "Wasserstein Style Transfer", section 2.
    """
    mean, covariance = _gaussian(features)
    covariance = _exact(_ridged(covariance, target["ridge"]))
    root = _exact(target["root"])
    product = root @ covariance @ root
    # a solver raises on numbers that are not finite; a training leaves such a step out by itself
    finite = product.isfinite().flatten(1).all(1)
    one = torch.eye(product.shape[1], dtype=product.dtype, device=product.device)
    values = torch.linalg.eigvalsh(torch.where(finite[:, None, None], product, one))
    least = _exact(target["ridge"]).square()[:, 0]  # of a product of ridges
    shared = values.clamp_min(least).sqrt().sum(1)
    trace = covariance.diagonal(dim1=1, dim2=2).sum(1)
    bures = torch.where(finite, trace + _exact(target["trace"]) - 2 * shared, trace + torch.nan)
    energy = target["mean"].square().sum(1) + target["trace"]
    return relative((mean - target["mean"]).square().sum(1) + bures.to(mean), energy)


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean ``(N, C)`` and covariance ``(N, C, C)`` over positions."""
    flat = at_least_float32(features).flatten(2)
    mean = flat.mean(2)
    centered = flat - mean[:, :, None]
    return mean, centered @ centered.transpose(1, 2) / flat.shape[2]


def _exact(matrices: Tensor) -> Tensor:
    """In float64; on the CPU where the device has none."""
    return (matrices.cpu() if matrices.device.type == "mps" else matrices).double()


def _ridged(covariance: Tensor, ridge: Tensor) -> Tensor:
    one = torch.eye(covariance.shape[1], dtype=covariance.dtype, device=covariance.device)
    return covariance + ridge * one


WASSERSTEIN = Statistic(measure, error)
