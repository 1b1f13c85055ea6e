"""fst.training.trainer: what a trainer is made of, and what it refuses; runs are repeatable."""

from typing import Any

import lightning
import pytest
import torch
from lightning.pytorch.strategies import DDPStrategy
from tiny_runs import (
    KillAt,
    TinyRuns,
    assert_equal,
    checkpoint,
    rows,
)

from fst.errors import InputError
from fst.training import trainer as trainer_module
from fst.training.saving import Checkpoints
from fst.training.trainer import make_trainer


def test_a_changed_learning_rate_counts_from_the_resumed_step_on(runs: TinyRuns) -> None:
    run = runs.new()
    assert runs.kill(run, KillAt(step=8))
    runs.options |= {"learning_rate": 1e-4}
    runs.fit(runs.again(run))
    rates = [float(row["lr"]) for row in rows(run)]
    assert rates == pytest.approx([1e-3] * 6 + [1e-4] * 6)


def test_the_same_seed_gives_the_same_run_to_the_last_bit(runs: TinyRuns) -> None:
    first, second = runs.new(), runs.new()
    twin = runs.fit(first)
    assert_equal(second, runs.fit(second), first, twin)


def test_the_seconds_of_a_run_add_up_over_its_resumes(runs: TinyRuns) -> None:
    run = runs.new()
    assert runs.kill(run, KillAt(step=5))
    before = checkpoint(run)["fst"]["seconds"]
    assert before > 0
    module = runs.fit(runs.again(run))
    assert module.seconds_spent() > before
    assert module.seconds_spent() == module.seconds_spent()  # the clock has stopped


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_steps": 0},
        {"max_steps": "many"},
        {"max_steps": 1.5},
        {"max_steps": None},
        {"val_every": 0},
        {"log_every": 0},
        {"preview_every": 0},
        {"checkpoint_every": -1},
        {"print_every": 0},
        {"num_nodes": 0},
        {"devices": 0},
        {"devices": "many"},
        {"device": "abacus"},
        {"strategy": "hope"},
        {"max_time": "soon"},
    ],
)
def test_a_trainer_that_cannot_run_is_refused(runs: TinyRuns, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        make_trainer(runs.new(), [], **{"device": "cpu", **wrong})
    (name,) = wrong
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("device", "every"), [("cpu", 30), ("cuda", 500)])
def test_checkpoints_are_rarer_on_a_gpu(
    device: str, every: int, runs: TinyRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: dict[str, Any] = {}
    monkeypatch.setattr(trainer_module, "pick_device", torch.device)
    monkeypatch.setattr(lightning, "Trainer", lambda **options: chosen.update(options))
    make_trainer(runs.new(), [], device=device)
    (checkpoints,) = (c for c in chosen["callbacks"] if isinstance(c, Checkpoints))
    assert checkpoints._every_n_train_steps == every
    assert chosen["accelerator"] == device
    assert chosen["benchmark"] == (device == "cuda")
    assert chosen["devices"] == 1


def test_a_numbered_device_is_that_one(runs: TinyRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: dict[str, Any] = {}
    monkeypatch.setattr(trainer_module, "pick_device", torch.device)
    monkeypatch.setattr(lightning, "Trainer", lambda **options: chosen.update(options))
    make_trainer(runs.new(), [], device="cuda:1")
    assert (chosen["accelerator"], chosen["devices"], chosen["strategy"]) == ("cuda", [1], "auto")


@pytest.mark.parametrize(
    ("name", "device", "devices", "nodes", "gpus", "distributed"),
    [
        ("auto", "cpu", 1, 1, 0, False),
        ("auto", "cpu", 2, 1, 0, True),
        ("auto", "cpu", "auto", 1, 0, False),
        ("auto", "cuda", 1, 1, 8, False),
        ("auto", "cuda", 2, 1, 8, True),
        ("ddp", "cuda", 2, 1, 8, True),
        ("auto", "cuda", "auto", 1, 8, True),
        ("auto", "cuda", "auto", 1, 1, False),
        ("auto", "cuda:1", 1, 1, 8, False),
        ("auto", "cuda", 1, 2, 1, True),
        ("auto", "cuda:1", 2, 1, 8, False),
        ("auto", "mps", 2, 1, 0, False),
        ("ddp_spawn", "cpu", 2, 1, 0, False),
    ],
)
def test_several_devices_are_distributed_data_parallel(
    name: str,
    device: str,
    devices: int | str,
    nodes: int,
    gpus: int,
    distributed: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    strategy = trainer_module._strategy(name, torch.device(device), devices, nodes)
    assert isinstance(strategy, DDPStrategy) == distributed
    if isinstance(strategy, DDPStrategy):
        assert strategy._ddp_kwargs["broadcast_buffers"] is False
    else:
        assert strategy == name
