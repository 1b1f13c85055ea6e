"""The trainer: a run from first step to last, killed and resumed; its checkpoints and account."""

import math
import os
import shutil
import signal
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Callback
from lightning.pytorch.strategies import DDPStrategy
from tiny_runs import (
    AfterStep,
    DeepNet,
    KillAt,
    RestlessNet,
    SpoiledLoss,
    TinyRuns,
    checkpoint,
    curve,
    rows,
    same,
)
from torch import nn

import fst
from fst.errors import CheckpointError, DivergedError, InputError
from fst.losses.perceptual import PerceptualLoss
from fst.system.device import machine
from fst.training import trainer as trainer_module
from fst.training.checkpoints import by_step
from fst.training.description import describe_run
from fst.training.fit import fit
from fst.training.module import StyleTransferModule
from fst.training.recipe import Recipe
from fst.training.runs import Run
from fst.training.saving import Checkpoints
from fst.training.stopping import StopOnSignal
from fst.training.trainer import make_trainer


@pytest.fixture
def runs(tmp_path: Path, photo_folder: Path, random_loss: PerceptualLoss) -> TinyRuns:
    return TinyRuns(tmp_path, photo_folder, random_loss)


def files(run: Run) -> list[str]:
    return sorted(path.name for path in run.checkpoints.iterdir())


def assert_equal(run: Run, module: StyleTransferModule, whole: Run, twin: nn.Module) -> None:
    """The log and the weights are those of the uninterrupted run, bit for bit."""
    assert curve(run) == curve(whole)
    assert same(module.state_dict(), twin.state_dict())


class Copies(Callback):
    """What would be on disk if the run were killed: before a step's checkpoint, in a validation."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.copies: dict[str, Run] = {}

    def copy(self, name: str) -> None:
        folder = self.run.folder.with_name(f"{self.run.folder.name}-{name}")
        shutil.copytree(self.run.folder, folder)
        self.copies[name] = Run(folder, self.run.output, None)

    def on_train_batch_end(self, trainer: Any, *args: Any) -> None:
        self.copy(f"step{trainer.global_step}")

    def on_validation_batch_end(self, trainer: Any, *args: Any) -> None:
        self.copy(f"validation{trainer.global_step}")


@pytest.fixture
def restless(runs: TinyRuns) -> TinyRuns:
    """Runs that depend on all that a checkpoint must hold."""
    runs.net = RestlessNet
    runs.options = {"ema": 0.9, "warmup_steps": 5, "optimizer": "muon"}
    return runs


def test_a_run_killed_at_any_step_and_in_any_validation_is_resumed_exactly(
    restless: TinyRuns,
) -> None:
    whole = restless.new()
    killed = Copies(whole)
    twin = restless.fit(whole, killed)
    names = [f"step{step}" for step in range(1, 13)] + [f"validation{v}" for v in (0, 4, 8, 12)]
    assert sorted(killed.copies) == sorted(names)
    for name in names[3:12] + names[13:]:  # before, there is no checkpoint: it starts anew
        run = restless.again(killed.copies[name])
        assert run.resume is not None
        module = restless.fit(run)
        assert_equal(run, module, whole, twin)
        assert files(run) == ["step=12.ckpt", "step=9.ckpt"]


@pytest.mark.parametrize(("val_every", "checkpoint_every"), [(3, 3), (4, 1), (1, 2), (5, 4)])
def test_a_run_killed_again_and_again_is_resumed_exactly(
    val_every: int, checkpoint_every: int, restless: TinyRuns
) -> None:
    restless.settings |= {"val_every": val_every, "checkpoint_every": checkpoint_every}
    whole, run = restless.new(), restless.new()
    twin = restless.fit(whole)
    for step in range(1, 13):
        assert restless.kill(restless.again(run), KillAt(step=step))
        if step % val_every == 0 or step == 12:
            assert restless.kill(restless.again(run), KillAt(validation=step))
    module = restless.fit(restless.again(run))
    assert_equal(run, module, whole, twin)
    # and once more, though there is nothing left to do
    module = restless.fit(restless.again(run))
    assert_equal(run, module, whole, twin)
    kept = [step for step in range(1, 13) if step % checkpoint_every == 0][-2:]
    kept = sorted({*kept, 12})[-2:]  # the last step's is always kept
    assert [path.name for path in by_step(run.checkpoints)] == [f"step={k}.ckpt" for k in kept]


class StopAt(Callback):
    """A signal that comes during a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step == self.step - 1:
            next(c for c in trainer.callbacks if isinstance(c, StopOnSignal)).received = 15


class StopInValidation(Callback):
    """A signal that comes during a validation: one that is really sent."""

    def __init__(self, step: int, within: str | None = None) -> None:
        self.step, self.within, self.sent = step, within, 0

    def on_validation_batch_end(self, trainer: Any, *args: Any) -> None:
        here = trainer.global_step == self.step and self.within in (None, trainer.state.fn)
        if here and not self.sent:
            self.sent += 1
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("step", [3, 4, 5])  # 3: a checkpoint; 4: a validation
def test_a_stopped_run_is_resumed_exactly(
    step: int, restless: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, run = restless.new(), restless.new()
    twin = restless.fit(whole)
    assert not fit(restless.module(), restless.data(), restless.trainer(run, StopAt(step)), run)
    said = capsys.readouterr().err
    assert f"stopped at step {step} of 12" in said
    assert f"resume={run.folder}" in said
    assert not [name for name in files(run) if "-v" in name]
    again = restless.again(run)
    assert again.resume is not None
    assert again.resume.name == f"step={step}.ckpt"
    assert_equal(run, restless.fit(again), whole, twin)


def test_a_signal_in_a_validation_stops_the_run_after_it(
    restless: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, run = restless.new(), restless.new()
    twin = restless.fit(whole)
    trainer = restless.trainer(run, StopInValidation(8))
    assert not fit(restless.module(), restless.data(), trainer, run)
    said = capsys.readouterr().err
    assert "stopping after this validation" in said
    assert "stopped at step 8 of 12" in said
    assert_equal(run, restless.fit(restless.again(run)), whole, twin)


def test_a_signal_in_the_first_validation_stops_before_the_first_step(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.new()
    before = signal.getsignal(signal.SIGTERM)
    assert not fit(runs.module(), runs.data(), runs.trainer(run, StopInValidation(0)), run)
    assert "stopped before the first step" in capsys.readouterr().err
    assert files(run) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_termination_while_the_photos_are_opened_stops_after_the_first_step(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = runs.new(), runs.data()
    opened = data.train_dataloader

    def slow() -> Any:
        os.kill(os.getpid(), signal.SIGTERM)  # Lightning's handler takes it
        time.sleep(0.01)
        return opened()

    data.train_dataloader = slow  # type: ignore[method-assign]
    assert not fit(runs.module(), data, runs.trainer(run), run)
    assert "stopped at step 1 of 12" in capsys.readouterr().err
    assert files(run) == ["step=1.ckpt"]


@pytest.mark.parametrize(
    ("steps", "sender"),
    # validated after the last step: as part of the training where 4 divides it, else by itself
    [
        (12, StopAt(12)),
        (10, StopAt(10)),
        (12, StopInValidation(12, "fit")),
        (10, StopInValidation(10, "validate")),
    ],
)
def test_a_signal_after_the_last_step_lets_the_run_finish(
    runs: TinyRuns, steps: int, sender: Callback
) -> None:
    whole, run = runs.new(), runs.new()
    runs.settings["max_steps"] = steps
    twin = runs.fit(whole)
    assert_equal(run, runs.fit(run, sender), whole, twin)
    assert getattr(sender, "sent", 1) == 1
    assert f"step={steps}.ckpt" in files(run)


def test_a_run_whose_time_is_up_is_resumed_exactly(
    restless: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(step: int, module: StyleTransferModule) -> None:
        module.trainer.should_stop = step == 5  # what Lightning's timer for max_time does

    whole, run = restless.new(), restless.new()
    twin = restless.fit(whole)
    trainer = restless.trainer(run, AfterStep(stop))
    assert not fit(restless.module(), restless.data(), trainer, run)
    assert "the time is up at step 5 of 12" in capsys.readouterr().err
    assert files(run) == ["step=3.ckpt", "step=5.ckpt"]
    assert_equal(run, restless.fit(restless.again(run)), whole, twin)


def test_a_time_limit_need_not_be_given_again(runs: TinyRuns) -> None:
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    runs.settings["max_time"] = "01:00:00:00"
    assert runs.kill(run, KillAt(step=5))
    del runs.settings["max_time"]
    assert_equal(run, runs.fit(runs.again(run)), whole, twin)  # and Lightning warns of nothing


def test_a_longer_run_goes_on_from_a_finished_one(runs: TinyRuns) -> None:
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    runs.fit(run, max_steps=6)  # its last validation is none of the longer run's
    assert_equal(run, runs.fit(runs.again(run)), whole, twin)


def test_a_checkpoint_every_so_often_may_change(runs: TinyRuns) -> None:
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    assert runs.kill(run, KillAt(step=8))
    assert_equal(run, runs.fit(runs.again(run), checkpoint_every=2), whole, twin)
    assert files(run) == ["step=10.ckpt", "step=12.ckpt"]


def test_a_changed_learning_rate_counts_from_the_resumed_step_on(runs: TinyRuns) -> None:
    run = runs.new()
    assert runs.kill(run, KillAt(step=8))
    runs.options |= {"learning_rate": 1e-4}
    runs.fit(runs.again(run))
    rates = [float(row["lr"]) for row in rows(run)]
    assert rates == pytest.approx([1e-3] * 6 + [1e-4] * 6)


def test_the_loss_network_is_in_no_checkpoint(runs: TinyRuns) -> None:
    run = runs.new()
    module = runs.fit(run)
    assert set(checkpoint(run)["state_dict"]) == {f"net.{key}" for key in module.net.state_dict()}


def test_validating_alone_saves_nothing(runs: TinyRuns) -> None:
    run = runs.new()
    runs.trainer(run).validate(runs.module(), datamodule=runs.data(), verbose=False)
    assert files(run) == []


def test_checkpoints_come_after_the_validation_of_their_step(runs: TinyRuns) -> None:
    run, events = runs.new(), []

    class Listener(Callback):
        def on_validation_batch_end(self, *args: Any) -> None:
            events.append("validated")

        def on_save_checkpoint(self, *args: Any) -> None:
            events.append("saved")

    runs.fit(run, Listener(), max_steps=6, val_every=2, checkpoint_every=3)
    assert events == ["validated"] * 2 + ["saved"] + ["validated"] * 2 + ["saved"]


def test_the_same_seed_gives_the_same_run_to_the_last_bit(runs: TinyRuns) -> None:
    first, second = runs.new(), runs.new()
    twin = runs.fit(first)
    assert_equal(second, runs.fit(second), first, twin)


def test_a_run_validates_first_and_last_and_in_between(runs: TinyRuns) -> None:
    run = runs.new()
    runs.fit(run, max_steps=10)
    # steps count from 0; what follows the last one is labeled with their number
    assert [row["step"] for row in rows(run, "val/total")] == ["0", "3", "7", "10"]
    assert [int(row["step"]) for row in rows(run)] == list(range(10))


def test_a_picture_that_is_not_finite_in_the_end_is_no_result(runs: TinyRuns) -> None:
    def ruin(step: int, module: StyleTransferModule) -> None:
        if step == 12:
            nn.init.constant_(module.net.get_parameter("last.bias"), math.nan)

    with pytest.raises(DivergedError, match="after the last step"):
        runs.fit(runs.new(), AfterStep(ruin))


def test_the_description_tells_how_the_style_came_about(runs: TinyRuns) -> None:
    runs.loss = SpoiledLoss(runs.loss, [5])  # type: ignore[arg-type]
    runs.options = {"learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5, "seed": 7}
    run = runs.new()
    module, data = runs.module(), runs.data()
    trainer = runs.trainer(run)
    assert fit(module, data, trainer, run)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    init = {"init": "base", "init_sha256": "00ff"}
    about = describe_run(module, data, trainer, net, {"name": "mine"}, init)
    assert about["net"] == net
    assert about["style"] == {"name": "mine"}
    assert about["loss"]["style_layers"] == {"relu1_1": 0.5, "relu2_1": 0.5}
    assert (about["data"]["name"], about["data"]["photos"]) == ("photos", 10)
    date = about["training"].pop("date")
    assert len(date.split("-")) == 3
    assert isinstance(about["training"].pop("seconds"), int)
    assert about["training"].pop("machine") == machine(torch.device("cpu"))
    assert about["training"] == {
        "steps": 12,
        "slim_steps_share": 0.0,
        "device": "cpu",
        "devices": 1,
        "skipped_steps": 1,
        **init,
    }
    # all of the recipe, with the precision that was taken
    given = {"optimizer": "adam", "learning_rate": 2e-3, "warmup_steps": 2, "ema": 0.5, "seed": 7}
    assert about["recipe"] == asdict(Recipe(**given, pattern_weight=0.0, precision="fp32"))
    last = rows(run, "val/total")[-1]
    assert about["objective"] == pytest.approx(
        {name: float(last[f"val/{name}"]) for name in ("total", "content", "style", "tv")}
    )
    assert about["versions"]["torch"] == torch.__version__.split("+")[0]
    assert about["versions"]["fst"] == fst.__version__


def test_the_seconds_of_a_run_add_up_over_its_resumes(runs: TinyRuns) -> None:
    run = runs.new()
    assert runs.kill(run, KillAt(step=5))
    before = checkpoint(run)["fst"]["seconds"]
    assert before > 0
    module = runs.fit(runs.again(run))
    assert module.seconds_spent() > before
    assert module.seconds_spent() == module.seconds_spent()  # the clock has stopped


def test_a_checkpoint_of_another_optimizer_is_refused(runs: TinyRuns) -> None:
    runs.net, run = DeepNet, runs.new()
    assert runs.kill(run, KillAt(step=5))
    runs.options |= {"optimizer": "muon"}
    with pytest.raises(CheckpointError, match="optimizer=adam with optimizer=muon"):
        runs.fit(runs.again(run))


@pytest.mark.parametrize("options", [{"ema": 0.5}, {"net": RestlessNet}])
def test_a_checkpoint_of_another_net_is_refused(runs: TinyRuns, options: dict[str, Any]) -> None:
    run = runs.new()
    assert runs.kill(run, KillAt(step=5))

    class Wider(RestlessNet):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(3, 6, 3, padding=1)
            self.last = nn.Conv2d(6, 3, 3, padding=1)

    if "net" in options:
        runs.net = Wider
    else:
        runs.options |= options
    with pytest.raises(CheckpointError, match=r"step=3\.ckpt: its net"):
        runs.fit(runs.again(run))


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
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("device", "every"), [("cpu", 30), ("cuda", 500)])
def test_checkpoints_are_rarer_on_a_gpu(
    device: str, every: int, runs: TinyRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: dict[str, Any] = {}
    monkeypatch.setattr(trainer_module, "pick_device", torch.device)
    monkeypatch.setattr("lightning.Trainer", lambda **options: chosen.update(options))
    make_trainer(runs.new(), [], device=device)
    (checkpoints,) = (c for c in chosen["callbacks"] if isinstance(c, Checkpoints))
    assert checkpoints._every_n_train_steps == every
    assert chosen["accelerator"] == device
    assert chosen["benchmark"] == (device == "cuda")
    assert chosen["devices"] == 1


def test_a_numbered_device_is_that_one(runs: TinyRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen: dict[str, Any] = {}
    monkeypatch.setattr(trainer_module, "pick_device", torch.device)
    monkeypatch.setattr("lightning.Trainer", lambda **options: chosen.update(options))
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
