"""Convolutions of 3x3 with a fifth of the products: Winograd's F(6x6, 3x3), compiled from C.

On a CPU without matrix units nothing but fewer products makes a convolution faster: torch's are at
the peak of the processor (docs/performance.md). These multiply in float32, whatever comes in, and
still take 0.6 of the time of torch's in bf16, to which they are nearer the exact result.

:func:`convolution` decides. The environment variable ``FST_CONVOLUTIONS`` is one of
:data:`CONVOLUTIONS`. :mod:`fst.nets.build` compiles the library.

Source:
    Lavin & Gray 2016, "Fast Algorithms for Convolutional Neural Networks"; winograd.c.
"""

import ctypes
import os
import threading
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.utils.weak import WeakTensorKeyDictionary

from fst.system.checks import one_of
from fst.system.compiled import build, opened, place

CONVOLUTIONS = ("auto", "torch", "winograd")
"""``"torch"``: all are torch's. ``"winograd"``: the library is built if it is missing, and used in
float32, too. ``"auto"``: it is used in bf16 where it was built before, and no matrix units (AMX) do
better."""

SOURCE = Path(__file__).with_name("winograd.c")

LANES, PRODUCTS, LEAST_CHANNELS = 16, 64, 32
"""Channels come in groups of so many; products a pair of channels takes for a block of outputs;
with fewer channels the transforms would cost more than they save."""


class _Kept(NamedTuple):
    """What became of a weight that does not train: its state then, and it in both directions."""

    version: int
    packed: dict[bool, Tensor]


_KEPT: MutableMapping[Tensor, _Kept] = WeakTensorKeyDictionary()
_KEEPING = threading.Lock()


def convolution(x: Tensor, weight: Tensor, bias: Tensor | None, padding: int = 0) -> Tensor:
    """``F.conv2d(x, weight, bias, padding=padding)``, by Winograd's way where that is faster.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(C', C, K, K)``.
        bias: ``(C',)`` or None.
        padding: zeros around ``x``.

    Raises:
        InputError: ``FST_CONVOLUTIONS`` is none of :data:`CONVOLUTIONS`, or the library can't be
            built.
    """
    kind = x.device.type
    cast = torch.is_autocast_enabled(kind) and x.dtype == torch.float32
    dtype = torch.get_autocast_dtype(kind) if cast else x.dtype
    if not suits(x, weight, padding, dtype):
        return F.conv2d(x, weight, bias, padding=padding)
    y: Tensor = _Winograd.apply(x.to(dtype), weight, bias, padding)
    return y


def suits(x: Tensor, weight: Tensor, padding: int, dtype: torch.dtype) -> bool:
    """Whether :func:`convolution` takes Winograd's way."""
    outputs, inputs, *kernel = weight.shape
    if x.device.type != "cpu" or kernel != [3, 3] or padding > 1 or torch.compiler.is_compiling():
        return False
    if inputs % LANES or outputs % LANES or min(inputs, outputs) < LEAST_CHANNELS:
        return False
    if min(x.shape[2:]) + 2 * padding < 3 or not len(x):
        return False
    if (way := wanted()) == "auto":
        return dtype == torch.bfloat16 and _is_best()
    return way == "winograd" and dtype in (torch.bfloat16, torch.float32)


def wanted() -> str:
    """What the environment says of compiled code, one of :data:`CONVOLUTIONS`.

    Raises:
        InputError: it says something else.
    """
    return one_of("FST_CONVOLUTIONS", os.environ.get("FST_CONVOLUTIONS", "auto"), CONVOLUTIONS)


@cache
def _is_best() -> bool:
    """Whether the library is there, and nothing is faster in bf16."""
    path = place(SOURCE)
    matrix_units = torch.cpu.get_capabilities().get("amx_bf16")
    return path is not None and path.is_file() and not matrix_units


@cache
def _library() -> ctypes.CDLL:
    return opened(build(SOURCE))


class _Winograd(torch.autograd.Function):
    """The gradient with respect to the input is such a convolution, too."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, padding: int) -> Tensor:
        ctx.save_for_backward(x, weight, bias)
        ctx.padding = padding
        return _convolved(x, _packed(weight, False), bias, len(weight), padding)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        x, weight, bias = ctx.saved_tensors
        dy = dy.to(x.dtype)
        dx = dw = db = None
        if ctx.needs_input_grad[0]:
            dx = _convolved(dy, _packed(weight, True), None, x.shape[1], 2 - ctx.padding)
        if any(ctx.needs_input_grad[1:3]):
            wanted = (False, *ctx.needs_input_grad[1:3])
            ones, zeros = [1, 1], [0, 0]
            _, dw, db = torch.ops.aten.convolution_backward(
                dy, x, weight.to(x.dtype), [len(weight)], ones, [ctx.padding] * 2, ones,
                False, zeros, 1, wanted,
            )  # fmt: skip
            dw = None if dw is None else dw.to(weight.dtype)
            db = None if db is None or bias is None else db.to(bias.dtype)
        return dx, dw, db, None


def _packed(weight: Tensor, turned: bool) -> Tensor:
    """A weight as the library wants it; turned, it is the one of the gradient.

    Of a weight that does not train it is kept as long as that lives.
    """
    if weight.requires_grad or weight.is_inference():
        return _pack(weight, turned)
    with _KEEPING:
        kept = _KEPT.get(weight)
        if kept is None or kept.version != weight._version:
            kept = _KEPT[weight] = _Kept(weight._version, {})
        if turned not in kept.packed:
            kept.packed[turned] = _pack(weight, turned)
        return kept.packed[turned]


@torch.no_grad()
def _pack(weight: Tensor, turned: bool) -> Tensor:
    order = (0, 2, 3, 1) if turned else (1, 2, 3, 0)
    plain = weight.float().permute(order).contiguous()  # (inputs, 3, 3, outputs)
    inputs, outputs = plain.shape[0], plain.shape[3]
    packed = torch.empty(PRODUCTS * inputs * outputs)
    _library().fst_pack(
        pointer(plain), ctypes.c_int64(outputs), ctypes.c_int64(inputs), int(turned),
        pointer(packed),
    )  # fmt: skip
    return packed


def _convolved(
    x: Tensor, packed: Tensor, bias: Tensor | None, outputs: int, padding: int
) -> Tensor:
    x = x if x.stride(1) == 1 else x.contiguous(memory_format=torch.channels_last)
    n, inputs, h, w = x.shape
    size = (n, outputs, h + 2 * padding - 2, w + 2 * padding - 2)
    y = torch.empty(size, dtype=x.dtype, memory_format=torch.channels_last)
    added = None if bias is None else bias.detach().float().contiguous()
    failed = _library().fst_convolve(
        pointer(x), integers(*_steps(x)),
        pointer(packed), None if added is None else pointer(added),
        pointer(y), integers(*_steps(y)),
        integers(n, h, w, inputs, outputs, padding),
        int(x.dtype == torch.bfloat16), torch.get_num_threads(),
    )  # fmt: skip
    if failed:
        raise RuntimeError(f"can't allocate memory for a convolution of {w}x{h} positions")
    return y


def pointer(values: Tensor) -> ctypes.c_void_p:
    """Where numbers lie, for a library."""
    return ctypes.c_void_p(values.data_ptr())


def integers(*values: int) -> ctypes.Array[ctypes.c_int64]:
    """Whole numbers, for a library."""
    return (ctypes.c_int64 * len(values))(*values)


def _steps(x: Tensor) -> tuple[int, int, int]:
    """From picture to picture, row to row, pixel to pixel."""
    return x.stride(0), x.stride(2), x.stride(3)
