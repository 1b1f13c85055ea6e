"""Instance normalization that is exact at any size and stays in channels-last."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

DRIFT_FREE_POSITIONS = 256 * 256
"""Up to here ``native_group_norm``'s single pass over a channel may be exact enough: beyond it the
running float32 sums lose digits (relative error of the deviation 1e-3 at 2048 x 2048)."""

DRIFT_FREE_OFFSET = 10.0
"""The same, as a channel's mean over its deviation: the single pass subtracts the squared mean from
the mean square, which leaves few digits of a faint signal on a large offset (a page of text)."""


class _InstanceNorm(torch.autograd.Function):
    """Instance norm that stays in channels-last, with float32 statistics, forward and backward.

    ``F.instance_norm`` copies to NCHW and back, and the backward of ``F.group_norm`` with one
    channel a group is several times slower than the convolutions it stands between.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        n, c, h, w = x.shape
        shared = weight.ndim == 1
        # the CPU's kernel reads channels-last; CUDA's refuses it, and its statistics are exact
        exact = x.device.type == "cpu" and h * w <= DRIFT_FREE_POSITIONS
        if exact:
            scale, offset = (weight, bias) if shared else (None, None)
            y, mean, rstd = torch.native_group_norm(x, scale, offset, n, c, h * w, c, eps)
            exact = bool((mean.abs() * rstd <= DRIFT_FREE_OFFSET).all())
            if not shared:
                y = torch.addcmul(_spread(bias, y.dtype), y, _spread(weight, y.dtype))
        if not exact:
            mean, rstd = instance_statistics(x, eps)
            scale = _spread(rstd * weight, rstd.dtype)
            offset = _spread(bias - mean * rstd * weight, rstd.dtype)
            y = torch.empty_like(x)
            for rows, result in zip(_row_blocks(x), _row_blocks(y), strict=True):
                result.copy_(torch.addcmul(offset, rows.to(scale.dtype), scale))
        ctx.save_for_backward(x, weight, mean, rstd)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        x, weight, mean, rstd = ctx.saved_tensors
        if x.device.type == "cpu" and len(x):
            return *_backward_by_picture(dy, x, weight, mean, rstd), None
        positions = x.shape[2] * x.shape[3]
        dy = dy.contiguous(memory_format=torch.channels_last)
        sum_dy = _sum_positions(dy)  # (N, C)
        sum_dy_xhat = (_sum_positions(dy * x) - mean * sum_dy) * rstd
        # dx = weight rstd (dy - mean(dy) - xhat mean(dy xhat)), with xhat = (x - mean) rstd
        scale = rstd * weight
        x_scale = -scale * rstd * sum_dy_xhat / positions
        offset = -scale * sum_dy / positions - x_scale * mean
        dx = torch.addcmul(_affine(x, x_scale, offset), dy, _spread(scale, dy.dtype))
        if weight.ndim == 1:
            sum_dy_xhat, sum_dy = sum_dy_xhat.sum(0), sum_dy.sum(0)
        return dx, sum_dy_xhat.to(weight.dtype), sum_dy.to(weight.dtype), None


def _backward_by_picture(
    dy: Tensor, x: Tensor, weight: Tensor, mean: Tensor, rstd: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same by torch's kernel for batch norm, which that of an instance is, a picture at a time.

    In bf16 it takes a third of the time, and rounds nothing on the way.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    mean, rstd, scale = mean.to(wide), rstd.to(wide), weight.to(wide)
    # in the other layout it adds up in bf16
    dy, x = (t.contiguous(memory_format=torch.channels_last) for t in (dy, x))
    found = [
        torch.ops.aten.native_batch_norm_backward(
            dy[i : i + 1], x[i : i + 1], scale if weight.ndim == 1 else scale[i],
            None, None, mean[i], rstd[i], True, 0.0, [True, True, True],
        )
        for i in range(len(x))
    ]  # fmt: skip
    dx = found[0][0] if len(x) == 1 else torch.cat([part[0] for part in found])
    dw, db = (torch.stack([part[k] for part in found]) for k in (1, 2))
    if weight.ndim == 1:
        dw, db = dw.sum(0), db.sum(0)
    return dx, dw.to(weight.dtype), db.to(weight.dtype)


def instance_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    """Instance normalization with the scales and offsets of all pictures, or of each its own.

    Args:
        x: ``(N, C, H, W)``.
        weight: scales, ``(C,)`` or ``(N, C)``.
        bias: offsets, of the same shape.
        eps: added to the variance.

    Returns:
        The same shape and dtype.
    """
    y: Tensor = _InstanceNorm.apply(x, weight, bias, eps)
    return y


def instance_statistics(x: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Mean and reciprocal standard deviation of every channel, ``(N, C)`` each, in two passes.

    Off the CPU, Welford's algorithm finds both in one, as exactly and without small pieces.
    """
    if x.device.type != "cpu":
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        variance, mean = torch.var_mean(wide, (2, 3), correction=0)
        return mean, (variance + eps).rsqrt()
    positions = x.shape[2] * x.shape[3]
    mean = _sum_positions(x) / positions
    center = _spread(mean, mean.dtype)
    squares = [_sum_positions((rows - center).square_()) for rows in _row_blocks(x)]
    variance = torch.stack(squares).sum(0) / positions
    return mean, (variance + eps).rsqrt()


def _row_blocks(x: Tensor) -> tuple[Tensor, ...]:
    """Views of a few rows each, so that a CPU's float32 temporaries stay small and in the cache."""
    if x.device.type != "cpu":
        return (x,)
    n, c, _, w = x.shape
    blocks: tuple[Tensor, ...] = torch.split(x, max(1, (1 << 19) // (n * c * w)), dim=2)
    return blocks


def _sum_positions(x: Tensor) -> Tensor:
    return x.sum((2, 3), dtype=torch.promote_types(x.dtype, torch.float32))


def _spread(values: Tensor, dtype: torch.dtype) -> Tensor:
    return values[:, :, None, None].to(dtype)


def _affine(x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    return torch.addcmul(_spread(offset, x.dtype), x, _spread(scale, x.dtype))


class InstanceNorm2d(nn.Module):
    """Instance normalization with a learned scale and offset per channel; no running statistics.

    The same function as ``torch.nn.InstanceNorm2d(channels, affine=True)``, for either memory
    format, with statistics in float32 under autocast too.

    Source:
        Ulyanov et al. 2016, "Instance Normalization: The Missing Ingredient for Fast Stylization".
    """

    def __init__(self, channels: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape and dtype."""
        return instance_norm(x, self.weight, self.bias, self.eps)
