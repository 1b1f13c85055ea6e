"""A net as a chain of convolutions, for those who run it in another way than forward()."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from fst.nets.layers import in_blocks, interleave
from fst.nets.norm import InstanceNorm2d
from fst.nets.winograd import convolution


@dataclass(frozen=True)
class Stage:
    """A convolution of a net and what follows it, as the strips compute it.

    Attributes:
        weight: ``(C', C, K, K)``, and ``bias`` ``(C',)``.
        stride: of the convolution.
        pad: how many pixels the input is padded by.
        padding: ``"reflect"`` or ``"replicate"``.
        spread: None; or what makes ``(N, C / 4, 2 H, 2 W)`` of the convolution's output:
            ``"interleave"`` (:func:`~fst.nets.layers.interleave`), ``"blocks"``
            (:func:`~fst.nets.layers.in_blocks`), or ``"shuffle"`` (pixel shuffle, of stride 2).
        norm: what normalizes the output.
        relu: whether a ReLU follows the norm.
        keep: the output is also kept for the stage that adds it (a residual block's input).
        add: the output, normalized, is added to what was kept.
    """

    weight: Tensor
    bias: Tensor | None
    stride: int = 1
    pad: int = 1
    padding: str = "reflect"
    spread: str | None = None
    norm: InstanceNorm2d | None = None
    relu: bool = False
    keep: bool = False
    add: bool = False

    @property
    def scale(self) -> tuple[int, int]:
        """Output rows for input rows, as a fraction."""
        if self.spread in ("interleave", "blocks"):
            return 2, 1
        return (1, 1) if self.spread == "shuffle" else (1, self.stride)

    @property
    def channels(self) -> int:
        """Of the output."""
        return len(self.weight) // (4 if self.spread else 1)

    def reach(self, first: int, last: int) -> tuple[int, int]:
        """The input rows that the output rows ``[first, last)`` are made of; may leave the input.

        Both are even where ``spread`` is set.
        """
        if self.spread == "interleave":
            return first // 2 - 1, last // 2 + 1
        kernel, stride = self.weight.shape[2], self.stride
        if self.spread:
            first, last = first // 2, last // 2
        return first * stride - self.pad, (last - 1) * stride - self.pad + kernel

    def __call__(self, rows: Tensor) -> Tensor:
        """Padded rows ``(1, C, h, W + 2 pad)`` to output rows, not normalized."""
        y = self.convolved(rows)
        return in_blocks(y) if self.spread == "blocks" else y

    def convolved(self, rows: Tensor) -> Tensor:
        """The same, but ``"blocks"`` are not spread: of them ``(1, 4 C', h, W)``."""
        if self.stride == 1:
            y = convolution(rows, self.weight, self.bias)
        else:
            y = F.conv2d(rows, self.weight, self.bias, self.stride)
        if self.spread == "interleave":
            return interleave(y)
        return F.pixel_shuffle(y, 2) if self.spread == "shuffle" else y
