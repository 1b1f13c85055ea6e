"""A training from its first step to its last."""

import errno
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import lightning
import torch
from lightning.pytorch.callbacks import Callback, Timer

from fst.data.module import PhotoDataModule
from fst.errors import (
    CheckpointError,
    DeviceLostError,
    DivergedError,
    InputError,
    interruption,
)
from fst.system.device import process_rank
from fst.system.signals import asked, leaving_though_busy
from fst.training.checkpoints import by_step, step_of
from fst.training.module import StyleTransferModule
from fst.training.outcome import check_outcome, objective_now
from fst.training.reporting.curve import CurveCSV
from fst.training.runs import Run
from fst.training.stopping import StopOnSignal, ValidationLeft, how_to_go_on


def got_signal(trainer: lightning.Trainer) -> bool:
    """Whether a signal to stop has come; after its last step a run is finished anyway."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return any(isinstance(c, StopOnSignal) and c.received is not None for c in callbacks)


def time_is_up(trainer: lightning.Trainer) -> bool:
    """Whether a run that has not reached its last step was ended by ``trainer.max_time`` alone."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    limited = any(isinstance(callback, Timer) for callback in callbacks)
    return limited and not got_signal(trainer) and not trainer.interrupted


def fit(
    module: StyleTransferModule, data: PhotoDataModule, trainer: lightning.Trainer, run: Run
) -> bool:
    """Trains, validating first and last; True when the run reached its last step.

    Raises:
        DivergedError: the loss is no longer finite, and stays so; or nothing was learned.
        InputError: the photos show nothing.
        CheckpointError: the checkpoint to resume from does not fit.
        DeviceLostError: another process of this run has ended.
    """
    data.setup()
    every = int(trainer.val_check_interval)
    curves = [logger for logger in trainer.loggers if isinstance(logger, CurveCSV)]
    if run.resume is not None and trainer.is_global_zero:
        start = step_of(run.resume)
        for curve in curves:
            curve.rewind(start, every)
    if trainer.strategy.root_device.type == "cuda" and module.compute_dtype == torch.bfloat16:
        # products of bf16 features are exact in TF32, and add up in float32; with the newer
        # fp32_precision Lightning's look at the older setting fails
        torch.backends.cuda.matmul.allow_tf32 = True
    with _clear_errors():
        try:
            with suppress(ValidationLeft), _connecting(trainer):
                _learn(module, data, trainer, run)
            if module.diverged is not None:
                raise module.diverged
            if trainer.global_step < trainer.max_steps:
                _say(trainer, _stopped(trainer, run))
                return False
            _validate_last(module, data, trainer, curves)
        except BaseException as end:
            # Lightning ends on it with SystemExit; or a logger with an error, being closed already;
            # or the other process has ended on the same Ctrl-C, at a moment of its own
            together = _is_lost(end) and asked() is not None
            if interruption(end) is None and not together:
                raise
            _say(trainer, _stopped_at_once(trainer, run))
            return False
    if not trainer.callback_metrics["val/total"].isfinite():
        raise DivergedError("the objective is not finite after the last step: lower learning_rate")
    reached = objective_now(module.loss, trainer)
    check_outcome(module.guard, module.start, reached, trainer.is_global_zero)
    return True


@contextmanager
def _connecting(trainer: lightning.Trainer) -> Iterator[None]:
    """The first process waits for the others in C code, while they import their libraries."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    launcher = trainer.strategy.launcher
    with ExitStack() as until:
        if launcher is not None and trainer.world_size > 1 and process_rank() == 0:
            # they would wait for this one, and in C code, too: nothing of theirs is lost
            end_them = partial(launcher.kill, getattr(signal, "SIGKILL", signal.SIGTERM))
            said = "stopped while the processes connect"
            until.enter_context(leaving_though_busy(said, end_them))
            for callback in callbacks:
                if isinstance(callback, StopOnSignal):
                    callback.connected = until.close
        yield


def _learn(
    module: StyleTransferModule, data: PhotoDataModule, trainer: lightning.Trainer, run: Run
) -> None:
    """Validates first, unless the run is resumed, and trains."""
    if run.resume is None:
        trainer.validate(module, datamodule=data, verbose=False)
        if trainer.should_stop:  # as all processes have agreed
            return
    try:
        trainer.fit(module, datamodule=data, ckpt_path=run.resume, weights_only=True)
    except RuntimeError as error:
        if run.resume is None or "state_dict" not in str(error):
            raise
        reason = "its net (or ema) is not the configured one"
        raise CheckpointError(f"can't resume from {run.resume}: {reason}") from error


def _validate_last(
    module: StyleTransferModule,
    data: PhotoDataModule,
    trainer: lightning.Trainer,
    curves: Sequence[CurveCSV],
) -> None:
    """Validates after the last step, unless that was just done."""
    step, every = trainer.global_step, int(trainer.val_check_interval)
    if step % every == 0 and "val/total" in trainer.callback_metrics:
        return
    # as Lightning labels it, save where a run is resumed at its last step
    trainer.fit_loop.epoch_loop._batches_that_stepped = step
    if step % every == 0 and all(curve.has_validation(step) for curve in curves):
        trainer.loggers = []  # it is in the logs
    trainer.validate(module, datamodule=data, verbose=False)


def _stopped(trainer: lightning.Trainer, run: Run) -> str:
    """Where the run has stopped, and how to go on."""
    why = "stopped" if got_signal(trainer) else "the time is up"
    if not (checkpoints := by_step(run.checkpoints)):
        return f"{why} before the first step: there is nothing to go on from"
    where = f"at step {trainer.global_step} of {trainer.max_steps}"
    return f"{why} {where}, saved as {checkpoints[-1]}; {how_to_go_on(run.folder)}"


def _stopped_at_once(trainer: lightning.Trainer, run: Run) -> str:
    """The same, where the step at hand is lost."""
    if not (checkpoints := by_step(run.checkpoints)):
        return "stopped at once, before the first checkpoint: there is nothing to go on from"
    step = trainer.global_step
    within = f"in step {step + 1} of" if step < trainer.max_steps else "after all"
    where = f"stopped at once, {within} {trainer.max_steps}"
    return f"{where}; {checkpoints[-1]} is the last that is saved; {how_to_go_on(run.folder)}"


def _say(trainer: lightning.Trainer, line: str) -> None:
    """Of several processes the first one speaks: the others know no folder to go on from."""
    if trainer.is_global_zero:
        print(line, file=sys.stderr)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Says in one line that another process has gone, or that the disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f"{error.strerror}: the run's checkpoints are whole; make room, then resume=auto"
        ) from error
    except RuntimeError as error:
        if not _is_lost(error):
            raise
        rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", 0)))
        raise DeviceLostError(
            f"process {rank}: another process of this run has ended or can't be reached; the "
            "checkpoints are kept: go on with resume=auto"
        ) from error


def _is_lost(error: BaseException) -> bool:
    """Whether it says that another process does not answer."""
    network = (torch.distributed.DistError, torch.distributed.DistBackendError)
    return isinstance(error, network) or (isinstance(error, RuntimeError) and "gloo" in str(error))
