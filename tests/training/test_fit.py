"""fst.training.fit: a run from its first step to its last, stopped and resumed."""

import math
import os
import signal
import time
from contextlib import nullcontext
from typing import Any

import pytest
from lightning import Callback
from PIL import Image
from tiny_runs import (
    AfterStep,
    DeepNet,
    KillAt,
    RestlessNet,
    TinyRuns,
    assert_equal,
    files,
    rows,
)
from torch import nn

from fst.errors import CheckpointError, DeviceLostError, DivergedError
from fst.system.signals import TOGETHER
from fst.training.fit import fit
from fst.training.module import StyleTransferModule
from fst.training.stopping import StopOnSignal


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
    assert f"go on with: fst train resume={run.folder}" in said
    assert not [name for name in files(run) if "-v" in name]
    again = restless.again(run)
    assert again.resume is not None
    assert again.resume.name == f"step={step}.ckpt"
    assert_equal(run, restless.fit(again), whole, twin)


@pytest.mark.parametrize("again", [False, True])
def test_a_signal_in_a_validation_leaves_it_for_the_resumed_run(
    again: bool, restless: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, run = restless.new(), restless.new()
    twin = restless.fit(whole)
    sender = StopInValidation(8)
    assert not fit(restless.module(), restless.data(), restless.trainer(run, sender), run)
    assert sender.sent == 1
    said = capsys.readouterr().err
    assert "stopped at step 8 of 12" in said
    assert str(run.checkpoints / "step=8.ckpt") in said
    assert [row["step"] for row in rows(run, "val/total")] == ["0", "3"]  # none of half a figure
    if again:  # the same validation, made by the resumed run, is left as well
        resumed = restless.again(run)
        trainer = restless.trainer(resumed, StopInValidation(8))
        assert not fit(restless.module(), restless.data(), trainer, resumed)
        assert "stopped at step 8 of 12" in capsys.readouterr().err
    assert_equal(run, restless.fit(restless.again(run)), whole, twin)


@pytest.mark.parametrize("step", [4, 5])
def test_a_stopped_run_is_not_validated_once_more(step: int, runs: TinyRuns) -> None:
    run, validated = runs.new(), []

    class Listener(Callback):
        def on_validation_batch_end(self, trainer: Any, *args: Any) -> None:
            validated.append(trainer.global_step)

    trainer = runs.trainer(run, StopAt(step), Listener())
    assert not fit(runs.module(), runs.data(), trainer, run)
    assert step not in validated


class InterruptAt(Callback):
    """Two signals during a step, the second after a while: as one who does not want to wait."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step == self.step - 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1.2 * TOGETHER)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)


@pytest.mark.parametrize("step", [2, 8])
def test_a_second_signal_stops_at_once_and_tells_where_the_last_checkpoint_is(
    step: int, restless: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, run = restless.new(), restless.new()
    twin = restless.fit(whole)
    trainer = restless.trainer(run, InterruptAt(step))
    assert not fit(restless.module(), restless.data(), trainer, run)
    said = capsys.readouterr().err
    assert "stopped at once" in said
    if step < 3:
        assert "nothing to go on from" in said
        return
    assert f"in step {step} of 12" in said
    assert str(run.checkpoints / "step=6.ckpt") in said
    assert str(run.folder) in said
    assert_equal(run, restless.fit(restless.again(run)), whole, twin)


class OtherGone(Callback):
    """The other process of a run ends in a step."""

    def __init__(self, step: int, asked: bool) -> None:
        self.step, self.asked = step, asked

    def on_train_batch_start(self, trainer: Any, *args: Any) -> None:
        if trainer.global_step == self.step - 1:
            if self.asked:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(0.01)
            raise RuntimeError("[gloo/transport/tcp/pair.cc:1] Connection closed by peer")


@pytest.mark.parametrize("step", [2, 8])
def test_where_the_other_process_was_stopped_sooner_this_one_is_stopped_too(
    step: int, runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runs.new()
    trainer = runs.trainer(run, OtherGone(step, asked=True))
    assert not fit(runs.module(), runs.data(), trainer, run)
    said = capsys.readouterr().err
    assert "stopped at once" in said
    assert ("go on with" in said) is (step > 3)


def test_where_the_other_process_ends_of_itself_it_is_an_error(runs: TinyRuns) -> None:
    run = runs.new()
    with pytest.raises(DeviceLostError, match="resume=auto"):
        fit(runs.module(), runs.data(), runs.trainer(run, OtherGone(8, asked=False)), run)


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


# --- a run that has learned nothing --------------------------------------------------------------


def test_a_run_of_steps_that_were_all_left_out_is_no_success(runs: TinyRuns) -> None:
    blank = runs.folder / "blank"
    blank.mkdir()
    for i in range(4):
        Image.new("RGB", (30, 30), (255, 255, 255)).save(blank / f"white{i}.png")
    options: dict[str, Any] = {"val_path": str(runs.photos)}
    runs.photos, run = blank, runs.new()
    with pytest.raises(DivergedError, match="nothing was learned: no step saw a photo") as caught:
        fit(runs.module(), runs.data(**options), runs.trainer(run), run)
    assert "\n" not in str(caught.value)


def climb(runs: TinyRuns, factor: float) -> Callback:
    """Makes the objective of the start look as if it had been this share of what it was."""

    def change(step: int, module: StyleTransferModule) -> None:
        if step == 2:
            assert module.start is not None
            module.start["total"] *= factor

    return AfterStep(change)


def test_a_run_whose_objective_has_doubled_is_no_success(runs: TinyRuns) -> None:
    run = runs.new()
    with pytest.raises(DivergedError, match="nothing was learned: the objective rose") as caught:
        runs.fit(run, climb(runs, 0.3))
    start, end = (float(row["val/total"]) for row in (rows(run, "val/total")[i] for i in (0, -1)))
    assert f"{0.3 * start:.4g}"[:4] in str(caught.value)
    assert f"{end:.4g}"[:4] in str(caught.value)
    assert files(run) == ["step=12.ckpt", "step=9.ckpt"]  # what there is is kept


def test_a_run_whose_objective_has_risen_a_little_warns(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.fit(runs.new())
    assert "rose" not in capsys.readouterr().err
    runs.fit(runs.new(), climb(runs, 0.8))
    assert "the objective rose from" in capsys.readouterr().err


def test_a_resumed_run_knows_its_start_and_compares_only_the_same_weights(
    runs: TinyRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    for weight, said in ((3.0, "nothing was learned"), (2.0, None)):
        run = runs.new()
        assert runs.kill(run, climb(runs, 0.3), KillAt(step=8))
        again, module = runs.again(run), runs.module()
        style_weight, module.loss.style_weight = module.loss.style_weight, weight
        with pytest.raises(DivergedError, match=said) if said else nullcontext():
            assert fit(module, runs.data(), runs.trainer(again), again)
        module.loss.style_weight = style_weight
        assert "rose" not in capsys.readouterr().err
