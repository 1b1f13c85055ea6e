"""Means and deviations of the channels: the least that makes a style, and the quickest."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from fst.losses.functional import at_least_float32
from fst.losses.style.statistic import Statistic, Target, relative

FLOOR = 1e-6
"""Added to variances, in mean squares of the painting: a channel that is constant has a gradient
of 0, and not one without bounds."""


class _Means(torch.autograd.Function):
    """Means of features and of their squares over positions, ``(N, C)`` each, in float32.

    In the features' own layout, and with a gradient in one pass over them: ``torch.var_mean`` takes
    six times as long on a CPU.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> tuple[Tensor, Tensor]:
        n, c, h, w = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(n, h * w, c)  # a view in channels-last
        ctx.save_for_backward(rows)
        ctx.size = h, w
        wide = at_least_float32(rows)
        return wide.mean(1), wide.square().mean(1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_mean: Tensor, of_square: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        # the features' dtype is enough for a gradient: it continues through a network in it
        shift, slope = (
            (grad / rows.shape[1]).to(rows.dtype)[:, None] for grad in (of_mean, 2 * of_square)
        )
        flow = torch.addcmul(shift, rows, slope)  # (N, H*W, C)
        return flow.view(len(rows), *ctx.size, -1).permute(0, 3, 1, 2)


def measure(features: Tensor) -> dict[str, Tensor]:
    """Of the painting: ``mean`` and ``deviation``, ``(1, C)``, and the ``floor``, ``(1, 1)``."""
    mean, variance = _mean_and_variance(features)
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
        ``(N,)``, at least 0; 1 for features that are zero, up to the floor.

    Source:
        Huang & Belongie 2017, "Arbitrary Style Transfer in Real-time with Adaptive Instance
        Normalization", eq. 13, with squared distances, up to the normalization; Li et al. 2017,
        "Demystifying Neural Style Transfer", section 4.2, compare the same moments.
    """
    mean, variance = _mean_and_variance(features)
    deviation = (variance + target["floor"]).sqrt()
    squared = (mean - target["mean"]).square() + (deviation - target["deviation"]).square()
    energy = target["mean"].square() + target["deviation"].square()
    return relative(squared.sum(1), energy.sum(1))


def _mean_and_variance(features: Tensor) -> tuple[Tensor, Tensor]:
    mean, square = _Means.apply(features)
    return mean, (square - mean.square()).clamp_min(0)


MOMENTS = Statistic(measure, error, scale=2.0)
