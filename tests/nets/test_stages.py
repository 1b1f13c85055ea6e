"""fst.nets.stages: what a stage of a net reads and gives."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.nets.stages import Stage


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("stage_pad_stride", [(9, 4, 1), (3, 1, 1), (3, 1, 2)])
def test_a_stage_reaches_as_far_as_its_kernel(stage_pad_stride: tuple[int, int, int]) -> None:
    kernel, pad, stride = stage_pad_stride
    stage = Stage(torch.zeros(2, 3, kernel, kernel), None, stride=stride, pad=pad)
    size = 24
    x = draw(1, 3, size, size)
    padded = F.pad(x, (pad,) * 4, mode="reflect")
    whole = stage(padded)
    assert whole.shape[2] == size // stride
    for first, last in ((0, 4), (2, 6), (size // stride - 4, size // stride)):
        low, high = stage.reach(first, last)
        assert stage(padded[:, :, low + pad : high + pad]).shape[2] == last - first
