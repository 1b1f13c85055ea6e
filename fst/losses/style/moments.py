"""Means and deviations of the channels: the least that makes a style, and the quickest."""

import torch
from torch import Tensor

from fst.losses.functional import at_least_float32
from fst.losses.style.statistic import Statistic, Target, relative

FLOOR = 1e-6
"""Added to variances, in mean squares of the painting: a channel that is constant has a gradient
of 0, and not one without bounds."""


def measure(features: Tensor) -> dict[str, Tensor]:
    """Of the painting: ``mean`` and ``deviation``, ``(1, C)``, and the ``floor``, ``(1, 1)``."""
    variance, mean = torch.var_mean(at_least_float32(features), (2, 3), correction=0)
    tiny = torch.finfo(mean.dtype).tiny
    floor = (FLOOR * (variance + mean.square()).mean(1, keepdim=True)).clamp_min(tiny)
    return {"mean": mean, "deviation": (variance + floor).sqrt(), "floor": floor}


def error(features: Tensor, target: Target, draw: int = 0) -> Tensor:
    """How far means and deviations are: ``(|m - m'|^2 + |s - s'|^2) / (|m'|^2 + |s'|^2)``.

    Args:
        features: ``(N, C, H, W)``, of the pictures being judged.
        target: from :func:`measure`.
        draw: nothing is drawn.

    Returns:
        ``(N,)``, at least 0; 1 for features that are zero.

    Source:
        Huang & Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
        Normalization", eq. 13, with squared distances, up to the normalization; Li et al. 2017,
        "Demystifying Neural Style Transfer", section 4.2, compare the same moments.
    """
    variance, mean = torch.var_mean(at_least_float32(features), (2, 3), correction=0)
    deviation = (variance + target["floor"]).sqrt()
    squared = (mean - target["mean"]).square() + (deviation - target["deviation"]).square()
    energy = target["mean"].square() + target["deviation"].square()
    return relative(squared.sum(1), energy.sum(1))


MOMENTS = Statistic(measure, error)
