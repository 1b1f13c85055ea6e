"""fst.research.benchmarks.our_step: the descent of the objective, without a trainer."""

import copy

import pytest
import torch
from tiny_runs import TinyNet, make_module
from torch import Tensor

from fst.losses.perceptual import PerceptualLoss
from fst.research.benchmarks.our_step import our_step


def batches(count: int) -> Tensor:
    return torch.rand(count, 2, 3, 16, 16, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_steps_descend_the_objective_by_hand(schedule: str, random_loss: PerceptualLoss) -> None:
    torch.manual_seed(0)
    module = make_module(
        TinyNet(), random_loss, schedule=schedule, warmup_steps=2, learning_rate=0.01
    )
    twin = copy.deepcopy(module.net)
    adam = torch.optim.Adam(twin.parameters(), lr=0.01)
    step = our_step(module)
    for number, photos in enumerate(batches(4)):
        step(photos)
        adam.param_groups[0]["lr"] = 0.01 * min(1, (number + 1) / 3)  # the warm-up
        adam.zero_grad()
        random_loss(twin(photos), random_loss.content_targets(photos)).total.mean().backward()
        adam.step()
    for mine, by_hand in zip(module.net.parameters(), twin.parameters(), strict=True):
        # the cosine of the first steps of a whole training is one to a few millionths
        torch.testing.assert_close(mine, by_hand, rtol=1e-3, atol=1e-5)


def test_a_bad_step_leaves_weights_and_average_alone(random_loss: PerceptualLoss) -> None:
    module = make_module(TinyNet(), random_loss, ema=0.5, warmup_steps=0)
    assert module.average is not None
    step = our_step(module)
    good = batches(1)[0]
    step(good)
    before = copy.deepcopy(module.state_dict())
    step(good * torch.nan)
    after = module.state_dict()
    names = [name for name in before if name.startswith(("net.", "average."))]
    assert names
    assert all(torch.equal(before[name], after[name]) for name in names)
    step(good)
    assert not any(
        torch.equal(before[name], after[name]) for name in names if name.endswith("weight")
    )
