"""Padding by reflection or replication, on a GPU without what makes torch's slow there.

Torch's kernels for CUDA want NCHW, and going backward they add up every single number atomically,
though all but the border has one place to go to.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def pad(x: Tensor, width: int, mode: str) -> Tensor:
    """``F.pad`` by as much on all four sides; on a GPU, in channels-last.

    Args:
        x: ``(N, C, H, W)``.
        width: positions on every side.
        mode: ``"reflect"`` (of fewer positions than a side has) or ``"replicate"``.

    Returns:
        ``(N, C, H + 2 width, W + 2 width)``.
    """
    if not x.is_cuda or not 0 < width < min(x.shape[2:]):
        return F.pad(x, 4 * (width,), mode=mode)
    padded: Tensor = Pad.apply(x, width, mode)
    return padded


class Pad(torch.autograd.Function):
    """:func:`pad` in slices: copies of the border there, sums over it back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, width: int, mode: str) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, H + 2 width, W + 2 width)``."""
        ctx.width, ctx.reflect = width, mode == "reflect"
        n, c, h, w = x.shape
        shape = (n, c, h + 2 * width, w + 2 * width)
        y = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        y[:, :, width:-width, width:-width] = x
        for dim in (3, 2):
            for beyond, source, _ in _sides(y, dim, width, ctx.reflect):
                beyond.copy_(_mirrored(source, dim) if ctx.reflect else source)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """The gradient of ``x``: the middle, and what shows the border added to it."""
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        for dim in (2, 3):
            width = ctx.width
            inner = gradient.narrow(dim, width, gradient.shape[dim] - 2 * width)
            inner = inner.clone(memory_format=torch.channels_last)
            for beyond, source, start in _sides(gradient, dim, width, ctx.reflect):
                more = _mirrored(beyond, dim) if ctx.reflect else _summed(beyond, dim)
                inner.narrow(dim, start - width, source.shape[dim]).add_(more)
            gradient = inner
        return gradient, None, None


def _sides(y: Tensor, dim: int, width: int, reflect: bool) -> list[tuple[Tensor, Tensor, int]]:
    """What lies beyond the two borders, what it shows, and where that begins."""
    last = y.shape[dim] - width - 1
    before, count = (width + 1, width) if reflect else (width, 1)
    behind = last - width if reflect else last
    places = ((0, before), (last + 1, behind))
    return [(y.narrow(dim, at, width), y.narrow(dim, of, count), of) for at, of in places]


def _mirrored(x: Tensor, dim: int) -> Tensor:
    return x if x.shape[dim] == 1 else x.flip(dim)


def _summed(x: Tensor, dim: int) -> Tensor:
    return x if x.shape[dim] == 1 else x.sum(dim, keepdim=True)
