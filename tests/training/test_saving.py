"""fst.training.saving: when a run saves its checkpoint."""

import shutil
from typing import Any

import pytest
from lightning import Callback
from tiny_runs import KillAt, TinyRuns, assert_equal, checkpoint, files

from fst.training.checkpoints import by_step
from fst.training.runs import Run


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


def test_a_checkpoint_every_so_often_may_change(runs: TinyRuns) -> None:
    whole, run = runs.new(), runs.new()
    twin = runs.fit(whole)
    assert runs.kill(run, KillAt(step=8))
    assert_equal(run, runs.fit(runs.again(run), checkpoint_every=2), whole, twin)
    assert files(run) == ["step=10.ckpt", "step=12.ckpt"]


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
