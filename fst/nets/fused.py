"""What lies between two convolutions, in one pass over memory each: compiled from C.

Where a CPU has matrix units a pass of a net spends more time on norms, ReLUs and copies than on
convolutions: torch has a kernel for each, and each goes through all features. Here the moments of
an instance norm are taken while the features are copied to where they stay, and what the norm does,
its ReLU and a residual block's sum are one.

Whether it is used is told by ``FST_CONVOLUTIONS``, as for :mod:`fst.nets.winograd`, except that
matrix units don't matter. :mod:`fst.nets.build` compiles the library.
"""

import ctypes
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from fst.nets.winograd import LANES, integers, pointer, wanted
from fst.system.compiled import build, opened, place

SOURCE = Path(__file__).with_name("fused.c")


def suits(x: Tensor, parts: int = 1) -> bool:
    """Whether features ``(1, parts C, H, W)`` can be taken, and are to be.

    Args:
        x: the features.
        parts: as for :func:`moments`.

    Raises:
        InputError: ``FST_CONVOLUTIONS`` is none of its values.
    """
    if x.device.type != "cpu" or len(x) != 1 or x.shape[1] % (parts * LANES) or not x.numel():
        return False
    if x.stride(1) != 1 or torch.compiler.is_compiling():
        return False
    return is_used(x.dtype)


def is_used(dtype: torch.dtype) -> bool:
    """Whether features of ``dtype`` are taken on a CPU.

    Raises:
        InputError: ``FST_CONVOLUTIONS`` is none of its values.
    """
    if (way := wanted()) == "auto":
        return dtype == torch.bfloat16 and _is_built()
    return way == "winograd" and dtype in (torch.bfloat16, torch.float32)


@cache
def _is_built() -> bool:
    path = place(SOURCE)
    return path is not None and path.is_file()


@cache
def _library() -> ctypes.CDLL:
    return opened(build(SOURCE))


def moments(x: Tensor, parts: int = 1, target: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Means of rows, and the sums of the squares of what is away from them.

    Args:
        x: ``(1, parts C, H, W)``, for which :func:`suits` holds.
        parts: 1; or 4: the pixels of blocks of 2x2, one after the other.
        target: becomes a copy of ``x``, spread where it has parts: ``(1, C, H, W)`` or
            ``(1, C, 2 H, 2 W)``, in the same dtype, its channels side by side in memory.

    Returns:
        ``(parts H, C)`` each, float32: of W numbers each.
    """
    _, channels, height, width = x.shape
    channels //= parts
    mean, squares = _numbers(2, parts * height, channels)
    y = x if target is None else target
    _library().fst_moments(
        pointer(x), _steps(x), None if target is None else pointer(target), _steps(y),
        integers(height, width, channels, parts), int(x.dtype == torch.bfloat16),
        pointer(mean), pointer(squares), torch.get_num_threads(),
    )  # fmt: skip
    return mean, squares


def merged(means: Tensor, squares: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Mean and variance of all of what :func:`moments` gave of rows, ``(C,)`` each, float32.

    Args:
        means: ``(rows, C)``.
        squares: likewise.
        width: of how many numbers each is.
    """
    rows, channels = means.shape
    mean, variance = _numbers(2, channels)
    _library().fst_merge(
        pointer(means), pointer(squares), *map(ctypes.c_int64, (rows, channels, width)),
        pointer(mean), pointer(variance),
    )  # fmt: skip
    return mean, variance


def normalize(
    x: Tensor,
    scale: Tensor,
    offset: Tensor,
    relu: bool,
    out: Tensor,
    added: Tensor | None = None,
) -> Tensor:
    """``x * scale + offset``, then a ReLU, then a sum with ``added``, into ``out``.

    Args:
        x: ``(1, C, H, W)``, for which :func:`suits` holds.
        scale: ``(C,)``, float32.
        offset: likewise.
        relu: whether there is one.
        out: as ``x``; may be ``x`` or ``added``.
        added: as ``x``, or None.
    """
    _, channels, height, width = x.shape
    other = x if added is None else added
    _library().fst_normalize(
        pointer(x), _steps(x), None if added is None else pointer(added), _steps(other),
        pointer(out), _steps(out), integers(height, width, channels),
        pointer(scale), pointer(offset), int(relu), int(x.dtype == torch.bfloat16),
        torch.get_num_threads(),
    )  # fmt: skip
    return out


def fits(x: Tensor, other: Tensor) -> bool:
    """Whether ``other`` can be a target, or added, where :func:`suits` holds for ``x``."""
    return other.dtype == x.dtype and other.device == x.device and other.stride(1) == 1


def _numbers(*shape: int) -> Tensor:
    """As C writes them, whatever the caller's defaults are."""
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _steps(x: Tensor) -> ctypes.Array[ctypes.c_int64]:
    """From row to row, from pixel to pixel."""
    return integers(x.stride(2), x.stride(3))
