"""fst.training.optimizers: the learning rate, and the average of the weights."""

import math

import pytest
import torch
from tiny_runs import TinyNet, TinyRuns, rows, same
from torch import Tensor, nn


@pytest.fixture
def runs(runs: TinyRuns) -> TinyRuns:
    """Neither validated nor saved before their end."""
    runs.settings |= {"val_every": 100, "checkpoint_every": 100}
    return runs


def photos(count: int) -> Tensor:
    return torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(3))


def test_the_cosine_schedule_warms_up_and_ends_at_zero(runs: TinyRuns) -> None:
    runs.options = {"learning_rate": 0.01, "warmup_steps": 3}
    run = runs.new()
    runs.fit(run, max_steps=10)
    expected = [
        0.01 * min(1, (k + 1) / 4) * 0.5 * (1 + math.cos(math.pi * k / 10)) for k in range(10)
    ]
    assert [float(row["lr"]) for row in rows(run)] == pytest.approx(expected)


def test_the_constant_schedule_is_constant_after_its_warm_up(runs: TinyRuns) -> None:
    runs.options = {"learning_rate": 0.01, "warmup_steps": 1, "schedule": "constant"}
    run = runs.new()
    runs.fit(run, max_steps=4)
    assert [float(row["lr"]) for row in rows(run)] == pytest.approx([0.005] + [0.01] * 3)


def test_adam_steps_at_the_rate_that_is_logged(runs: TinyRuns) -> None:
    # in Adam's first step every weight moves by the rate, whatever its gradient
    runs.options = {"learning_rate": 0.01, "warmup_steps": 3}
    before = runs.module().net.state_dict()
    after = runs.fit(runs.new(), max_steps=1).net.state_dict()
    for name in before:
        moved = (after[name] - before[name]).abs()
        torch.testing.assert_close(moved, torch.full_like(moved, 0.0025), rtol=0.02, atol=0)


def test_the_average_of_the_weights_by_hand(runs: TinyRuns) -> None:
    runs.options |= {"ema": 0.2}
    expected = {key: value.clone() for key, value in runs.module().net.state_dict().items()}
    for steps in (1, 2, 3):
        module = runs.fit(runs.new(), max_steps=steps)
        for key, value in module.net.state_dict().items():
            decay = min(0.2, steps / (9 + steps))  # 1/10, 2/11, then the one asked for
            expected[key] = decay * expected[key] + (1 - decay) * value
        torch.testing.assert_close(module.best_net.state_dict(), expected)
        assert not same(module.best_net.state_dict(), module.net.state_dict())


def test_the_average_keeps_the_buffers_of_the_net(runs: TinyRuns) -> None:
    class Counting(TinyNet):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

        def forward(self, photos: Tensor) -> Tensor:
            return super().forward(self.norm(photos))

    runs.net = Counting
    runs.options |= {"ema": 0.9}
    module = runs.fit(runs.new(), max_steps=3)
    assert int(module.net.get_buffer("norm.num_batches_tracked")) == 3
    assert same(dict(module.best_net.named_buffers()), dict(module.net.named_buffers()))
