"""fst.inference.strips.moments: mean and deviation gathered from rows."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.inference.strips.moments import Moments, Normalizer
from fst.nets.norm import InstanceNorm2d


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("offset", [0.0, 1000.0])
@pytest.mark.parametrize("pieces", [(7,), (1, 2, 4), (1,) * 7])
def test_statistics_gather(offset: float, pieces: tuple[int, ...]) -> None:
    x = (draw(1, 5, 7, 600) + offset).contiguous(memory_format=torch.channels_last)
    gathered = Moments()
    for piece in torch.split(x, list(pieces), dim=2):
        gathered.add(piece)
    exact = x.double()
    torch.testing.assert_close(gathered.mean, exact.mean((0, 2, 3)), rtol=1e-6, atol=1e-6)
    variance = gathered.squares / gathered.count
    torch.testing.assert_close(variance, exact.var((0, 2, 3), correction=0), rtol=1e-4, atol=0)


def test_statistics_normalize_like_instance_norm() -> None:
    x, norm = draw(1, 5, 6, 8), InstanceNorm2d(5)
    nn.init.normal_(norm.weight)
    gathered = Moments()
    gathered.add(x)
    with torch.no_grad():
        found = Normalizer(*gathered.result(), norm, relu=True)(x)
        expected = F.instance_norm(x, None, None, norm.weight, norm.bias).relu()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
