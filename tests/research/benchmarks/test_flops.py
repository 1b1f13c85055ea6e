"""Operations, against what torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fst.losses.perceptual import PerceptualLoss
from fst.research.benchmarks.flops import training_flops
from fst.research.benchmarks.textbook import TextbookNet


def test_a_photo_at_256_pixels_takes_the_known_operations() -> None:
    assert training_flops(256) == pytest.approx(190.6e9, rel=1e-3)


@pytest.mark.parametrize("judge", ["random", "slim"])
@pytest.mark.parametrize(("size", "width", "blocks"), [(32, 4, 2), (48, 3, 1), (30, 2, 0)])
def test_the_operations_are_those_that_torch_counts(
    size: int, width: int, blocks: int, judge: str
) -> None:
    loss = PerceptualLoss(torch.rand(1, 3, 32, 32), weights=judge)
    net, photos = TextbookNet(width, blocks), torch.rand(1, 3, size, size)
    with FlopCounterMode(display=False) as counter:
        loss(net(photos), loss.content_targets(photos)).total.sum().backward()
    counts = counter.get_flop_counts()["Global"]
    convolutions = sum(count for kind, count in counts.items() if "conv" in str(kind))
    assert training_flops(size, width, blocks, slim=judge == "slim") == convolutions
