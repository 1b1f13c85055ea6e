"""Mean and variance of whole channels, gathered piece by piece."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.nets import fused
from fst.nets.layers import in_blocks
from fst.nets.norm import InstanceNorm2d


class Moments:
    """Mean and variance of every channel, gathered piece by piece in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros(())
        self.of_rows: list[tuple[Tensor, Tensor]] = []
        self.width = 0

    def add(self, rows: Tensor, blocks: bool = False, place: Tensor | None = None) -> None:
        """Adds a piece, which goes to its place on the way.

        Args:
            rows: ``(1, C, h, W)``; of blocks ``(1, 4 C, h, W)``.
            blocks: whether they are to be spread, by :func:`~fst.nets.layers.in_blocks`.
            place: as large as what becomes of them, or None.
        """
        parts = 4 if blocks else 1
        if fused.suits(rows, parts) and (place is None or fused.fits(rows, place)):
            self.width = rows.shape[3]
            self.of_rows.append(fused.moments(rows, parts, place))
            return
        rows = in_blocks(rows) if blocks else rows
        if place is not None:
            place.copy_(rows)
        channels, count = rows.shape[1], rows.shape[2] * rows.shape[3]
        if rows.device.type == "cpu":
            # a kernel for channels-last that PyTorch uses in batch norm: two passes over the rows.
            # The running values make its results float32 where the rows are bf16
            zeros = torch.zeros(channels, dtype=torch.float32)
            running = (zeros, zeros.clone())
            mean, variance = torch.batch_norm_update_stats(rows, *running, 1.0)
        else:
            variance, mean = torch.var_mean(rows.float(), (0, 2, 3), correction=0)
        mean, squares = mean.double(), variance.double() * count
        total = self.count + count
        if self.count:
            delta = mean - self.mean
            squares = self.squares + squares + delta.square() * (self.count * count / total)
            mean = self.mean + delta * (count / total)
        self.count, self.mean, self.squares = total, mean, squares

    def result(self) -> tuple[Tensor, Tensor]:
        """Mean and variance of every channel, ``(C,)`` each, float32."""
        if self.of_rows:  # all strips at once: it is little to do, and much to call
            means, squares = (torch.cat(values) for values in zip(*self.of_rows, strict=True))
            return fused.merged(means, squares, self.width)
        return self.mean.float(), (self.squares / self.count).float()


class Normalizer:
    """What turns raw rows into normalized ones.

    Args:
        mean: of every channel, ``(C,)``, float32.
        variance: likewise.
        norm: scales and offsets.
        relu: whether a ReLU follows.
    """

    def __init__(self, mean: Tensor, variance: Tensor, norm: InstanceNorm2d, relu: bool) -> None:
        self.mean, self.variance, self.norm, self.relu = mean, variance, norm, relu
        scale = norm.weight.detach() * (variance + norm.eps).rsqrt()
        self.scale = scale.float().contiguous()
        self.offset = (norm.bias.detach() - mean * scale).float().contiguous()

    def __call__(self, rows: Tensor) -> Tensor:
        """``(1, C, h, W)`` to as many of their own."""
        if fused.suits(rows):
            out = torch.empty_like(rows, memory_format=torch.channels_last)
            return fused.normalize(rows, self.scale, self.offset, self.relu, out)
        norm = self.norm
        rows = F.batch_norm(
            rows, self.mean, self.variance, norm.weight, norm.bias, False, 0.0, norm.eps
        )
        return rows.relu_() if self.relu else rows

    def over(self, rows: Tensor) -> Tensor:
        """The same in their place."""
        if fused.suits(rows):
            return fused.normalize(rows, self.scale, self.offset, self.relu, rows)
        return rows.copy_(self(rows))

    def added_to(self, kept: Tensor, rows: Tensor) -> Tensor:
        """``kept``, to which ``rows`` are added, normalized."""
        if fused.suits(rows) and fused.fits(rows, kept):
            return fused.normalize(rows, self.scale, self.offset, self.relu, kept, kept)
        return kept.add_(self(rows))
