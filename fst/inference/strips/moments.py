"""Mean and variance of whole channels, gathered piece by piece."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.nets.norm import InstanceNorm2d


class Moments:
    """Mean and variance of every channel, gathered piece by piece in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros(())

    def add(self, rows: Tensor) -> None:
        """Rows ``(1, C, h, W)``."""
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
        return self.mean.float(), (self.squares / self.count).float()


def normalizer(
    mean: Tensor, variance: Tensor, norm: InstanceNorm2d, relu: bool
) -> Callable[[Tensor], Tensor]:
    """What turns raw rows into normalized ones."""

    def normalize(rows: Tensor) -> Tensor:
        rows = F.batch_norm(rows, mean, variance, norm.weight, norm.bias, False, 0.0, norm.eps)
        return rows.relu_() if relu else rows

    return normalize
