"""fst.training.optimizers: the learning rate, and the average of the weights."""

import math

import pytest
import torch
from tiny_runs import DeepNet, TinyNet, TinyRuns, rows, same
from torch import Tensor, nn

from fst.training.muon import Muon
from fst.training.optimizers import (
    learning_rate,
    make_optimizers,
    prepare,
    start_average,
    update_average,
)
from fst.training.recipe import Recipe


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


# --- the parts on their own ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "factor", "expected"),
    [
        (0, 1.0, 0.02),  # a fifth of the way up
        (3, 1.0, 0.08 * 0.5 * (1 + math.cos(0.3 * math.pi))),
        (5, 1.0, 0.1 * 0.5),  # half of the way down
        (5, 0.25, 0.1 * 0.5 * 0.25),
        (10, 1.0, 0.0),
        (12, 1.0, 0.0),  # a resumed run may be longer than it was planned
    ],
)
def test_the_rate_of_a_step_by_hand(step: int, factor: float, expected: float) -> None:
    recipe = Recipe(learning_rate=0.1, warmup_steps=4, schedule="cosine")
    assert learning_rate(recipe, step, 10, factor) == pytest.approx(expected, abs=1e-12)


def test_muon_moves_the_matrices_that_a_net_names_and_adam_the_rest() -> None:
    net = DeepNet()
    adam, muon = make_optimizers(net, Recipe(optimizer="muon", learning_rate=0.02))
    assert isinstance(adam, torch.optim.Adam)
    assert isinstance(muon, Muon)
    (matrices,), (rest,) = muon.param_groups, adam.param_groups
    assert [id(w) for w in matrices["params"]] == [id(net.middle.weight)]
    others = [id(w) for n, w in net.named_parameters() if n != "middle.weight"]
    assert [id(w) for w in rest["params"]] == others
    assert matrices["lr"] == rest["lr"] == 0.02


@pytest.mark.parametrize(("net", "name"), [(DeepNet, "adam"), (TinyNet, "muon")])
def test_adam_moves_all_where_asked_or_where_no_matrix_is_named(
    net: type[TinyNet], name: str
) -> None:
    made = net()
    (adam,) = make_optimizers(made, Recipe(optimizer=name))
    assert isinstance(adam, torch.optim.Adam)
    assert len(adam.param_groups[0]["params"]) == len(list(made.parameters()))


def test_a_step_is_told_its_rate_and_is_left_out_by_every_optimizer() -> None:
    net = DeepNet()
    optimizers = make_optimizers(net, Recipe(optimizer="muon"))
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    for left_out in (1.0, 0.0):
        net(photos(1)).mean().backward()
        prepare(optimizers, 0.03, torch.tensor(left_out), torch.device("cpu"))
        for optimizer in optimizers:
            optimizer.step()
            assert [group["lr"] for group in optimizer.param_groups] == [0.03]
        moved = [not torch.equal(w, before[name]) for name, w in net.state_dict().items()]
        assert moved == [left_out == 0.0] * len(before)


def test_the_average_warms_up_and_leaves_a_bad_step_out() -> None:
    net = nn.Linear(1, 1, bias=False)
    average = start_average(net, 0.5)
    assert average is not None
    assert not any(weight.requires_grad for weight in average.parameters())
    net.weight.data.fill_(0.0)
    average.weight.data.fill_(1.0)  # type: ignore[operator, union-attr]
    expected = 1.0
    for step, left_out in [(0, 0.0), (1, 1.0), (7, 0.0), (8, 0.0), (99, 0.0)]:
        update_average(average, net, 0.5, step, torch.tensor(left_out))
        decay = {0: 1 / 10, 1: 1.0, 7: 8 / 17, 8: 0.5, 99: 0.5}[step]  # 9/18 is the one asked for
        expected *= decay
        assert average.weight.item() == pytest.approx(expected)  # type: ignore[operator]


def test_without_a_decay_there_is_no_average() -> None:
    assert start_average(TinyNet(), 0.0) is None
