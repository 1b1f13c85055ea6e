"""A training from its first step to its last."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import lightning
import torch
from lightning.pytorch.callbacks import Callback

from fst.data.module import PhotoDataModule
from fst.errors import CheckpointError, DeviceLostError, DivergedError, InputError
from fst.training.checkpoints import step_of
from fst.training.module import StyleTransferModule
from fst.training.outcome import check_outcome, objective_now
from fst.training.reporting.curve import CurveCSV
from fst.training.runs import Run
from fst.training.stopping import StopOnSignal


def got_signal(trainer: lightning.Trainer) -> bool:
    """Whether ``Ctrl-C`` or ``SIGTERM`` has come; after its last step a run is finished anyway."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return any(isinstance(c, StopOnSignal) and c.received is not None for c in callbacks)


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
        if run.resume is None:
            trainer.validate(module, datamodule=data, verbose=False)
            if trainer.should_stop:  # as all processes have agreed
                _say(trainer, "stopped before the first step")
                return False
        try:
            trainer.fit(module, datamodule=data, ckpt_path=run.resume, weights_only=True)
        except RuntimeError as error:
            if run.resume is None or "state_dict" not in str(error):
                raise
            reason = "its net (or ema) is not the configured one"
            raise CheckpointError(f"can't resume from {run.resume}: {reason}") from error
        if module.diverged is not None:
            raise module.diverged
        if trainer.global_step < trainer.max_steps:
            why = "stopped" if got_signal(trainer) else "the time is up"
            where = f"at step {trainer.global_step} of {trainer.max_steps}"
            go_on = f"the same command goes on with resume=auto, or resume={run.folder}"
            _say(trainer, f"{why} {where}; {go_on}")
            return False
        if trainer.global_step % every or "val/total" not in trainer.callback_metrics:
            # as Lightning labels it, save where a run is resumed at its last step
            trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step
            if trainer.global_step % every == 0 and all(
                c.has_validation(trainer.global_step) for c in curves
            ):
                trainer.loggers = []  # it is in the logs
            trainer.validate(module, datamodule=data, verbose=False)
    if not trainer.callback_metrics["val/total"].isfinite():
        raise DivergedError("the objective is not finite after the last step: lower learning_rate")
    end = objective_now(module.loss, trainer)
    check_outcome(module.guard, module.start, end, trainer.is_global_zero)
    return True


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
        network = (torch.distributed.DistError, torch.distributed.DistBackendError)
        if not isinstance(error, network) and "gloo" not in str(error):
            raise
        rank = int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", 0)))
        raise DeviceLostError(
            f"process {rank}: another process of this run has ended or can't be reached; the "
            "checkpoints are kept: go on with resume=auto"
        ) from error
