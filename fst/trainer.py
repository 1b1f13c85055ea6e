"""Runs a training: Lightning's trainer with this project's callbacks, from first step to last."""

import errno
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.strategies import DDPStrategy, Strategy

from fst.callbacks import LiveProgress, Previews, StopOnSignal
from fst.curve import CurveCSV
from fst.data.module import PhotoDataModule
from fst.errors import CheckpointError, DeviceLostError, DivergedError, InputError
from fst.page import RunPage
from fst.resumable import ResumableIO, step_of
from fst.runs import Run
from fst.system.device import machine, pick_device
from fst.training import StyleTransferModule

PEER_TIMEOUT = timedelta(minutes=10)
"""How long the processes of a run wait for each other, before they take one for lost."""


class Checkpoints(ModelCheckpoint):
    """Saves after the validation of a step, where there is one.

    A run that is killed while it validates then goes on from the checkpoint before and validates
    again; saved before, the resumed run would lack that validation. Whatever the step, a run is
    saved where it was rolled back, so that the newest checkpoint is a good one, and where it stops
    or has done its last step.
    """

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Leaves the steps that are validated to :meth:`on_validation_end`."""
        if trainer.global_step % int(trainer.val_check_interval):
            self._save_if_due(trainer, pl_module)

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Saves if the step is due and was left."""
        self._save_if_due(trainer, pl_module)

    def _save_if_due(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        rolled_back = isinstance(pl_module, StyleTransferModule) and pl_module.rolled_back
        due = not trainer.global_step % self._every_n_train_steps
        due = due or rolled_back or trainer.should_stop
        due = due or trainer.global_step >= trainer.max_steps
        if due and not self._should_skip_saving_checkpoint(trainer):
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))


def make_trainer(
    run: Run,
    loggers: list[Logger],
    max_steps: int = 40_000,
    device: str = "auto",
    devices: int | str = 1,
    num_nodes: int = 1,
    strategy: str = "auto",
    log_every: int = 10,
    val_every: int = 500,
    preview_every: int = 500,
    checkpoint_every: int | None = None,
    print_every: int | None = None,
    max_time: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> lightning.Trainer:
    """A Lightning trainer with this project's callbacks.

    Args:
        run: where to write.
        loggers: Lightning loggers.
        max_steps: at least 1.
        device: ``auto``, ``cpu``, ``cuda`` …
        devices: how many of them, or ``auto`` for all; on a CPU, processes.
        num_nodes: machines; with ``torchrun`` or SLURM.
        strategy: ``auto`` (DistributedDataParallel for several devices), or one of Lightning's.
        log_every: steps between logged losses.
        val_every: steps between validations.
        preview_every: steps between preview pictures, besides those at powers of two.
        checkpoint_every: steps between resumable checkpoints, of which the last two are kept; None
            is 30, and 500 on a GPU.
        print_every: steps between lines where the output is no terminal; None is a line a minute.
        max_time: ``DD:HH:MM:SS`` of training, over all resumes, after which to stop.
        settings: shown on the run's page.

    Raises:
        InputError: a number of steps below 1, an unknown device.
    """
    check_counts(
        max_steps=max_steps, devices=devices, num_nodes=num_nodes, log_every=log_every,
        val_every=val_every, preview_every=preview_every, checkpoint_every=checkpoint_every,
        print_every=print_every,
    )  # fmt: skip
    where = pick_device(device)
    checkpoint_every = checkpoint_every or (500 if where.type == "cuda" else 30)
    _quiet_lightning()
    title = f"{run.output.stem}: {run.folder.name}"
    callbacks: list[Callback] = [
        Checkpoints(
            run.checkpoints,
            filename="{step}",
            monitor="step",
            mode="max",
            save_top_k=2,
            every_n_train_steps=checkpoint_every,
            enable_version_counter=False,  # what a stop has saved at this step is replaced
        ),
        Previews(run.folder / "previews", preview_every),
        StopOnSignal(),
        LiveProgress(print_every),
        RunPage(run.folder, title, settings=settings or {}),
    ]
    try:
        return lightning.Trainer(
            accelerator=where.type,
            devices=devices if where.index is None else [where.index],
            num_nodes=num_nodes,
            strategy=_strategy(strategy, where, devices, num_nodes),
            precision="32-true",  # the module casts by itself: only its convolutions
            benchmark=where.type == "cuda",
            max_steps=max_steps,
            max_time=max_time,
            logger=loggers,
            callbacks=callbacks,
            plugins=[ResumableIO()],
            log_every_n_steps=log_every,
            val_check_interval=val_every,
            check_val_every_n_epoch=None,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,  # the data module deals the photos itself
            enable_progress_bar=False,
            enable_model_summary=False,
            default_root_dir=run.folder,
        )
    except (lightning.fabric.utilities.exceptions.MisconfigurationException, ValueError) as error:
        raise InputError(f"trainer: {str(error).splitlines()[0]}") from error


def got_signal(trainer: lightning.Trainer) -> bool:
    """Whether ``Ctrl-C`` or ``SIGTERM`` has come; after its last step a run is finished anyway."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return any(isinstance(c, StopOnSignal) and c.received is not None for c in callbacks)


def check_counts(**counts: Any) -> None:
    """Refuses what is no number of steps or devices, before any work is done.

    Args:
        counts: settings of :func:`make_trainer` by their names; others are let pass.

    Raises:
        InputError: a number that is not whole or below 1; of devices, neither that nor ``auto``.
    """
    needed = ("max_steps", "log_every", "val_every", "preview_every", "num_nodes", "devices")
    for name in (*needed, "checkpoint_every", "print_every"):
        value = counts.get(name, 1)
        if (value is None and name not in needed) or (value == "auto" and name == "devices"):
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"trainer.{name} must be a whole number above 0, not {value!r}")


def _strategy(
    name: str, device: torch.device, devices: int | str, num_nodes: int
) -> Strategy | str:
    one = num_nodes == 1 and (devices == 1 or device.index is not None)
    if one or name not in ("auto", "ddp") or device.type == "mps":
        return name
    if devices == "auto" and (torch.cuda.device_count() if device.type == "cuda" else 1) == 1:
        return name
    # VGG-19's buffers are the same everywhere and must not be sent around at every step
    return DDPStrategy(broadcast_buffers=False, timeout=PEER_TIMEOUT)


def fit(
    module: StyleTransferModule, data: PhotoDataModule, trainer: lightning.Trainer, run: Run
) -> bool:
    """Trains, validating first and last; True when the run reached its last step.

    Raises:
        DivergedError: the loss is no longer finite, and stays so.
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
                print("stopped before the first step", file=sys.stderr)
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
            go_on = f"go on with resume=auto, or resume={run.folder}"
            print(f"{why} {where}; {go_on}", file=sys.stderr)
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
    return True


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


def describe_run(
    module: StyleTransferModule,
    data: PhotoDataModule,
    trainer: lightning.Trainer,
    net: Mapping[str, Any],
    style: Mapping[str, Any],
    seed: int,
    init: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The description that a finished checkpoint carries."""
    metrics = trainer.callback_metrics
    bf16 = module.compute_dtype == torch.bfloat16
    return {
        "net": dict(net),
        "style": dict(style),
        "loss": module.loss.describe(),
        "data": data.describe(),
        "training": {
            "steps": trainer.global_step,
            "optimizer": module.optimizer,
            "learning_rate": module.learning_rate,
            "schedule": module.schedule,
            "slim_steps_share": module.early_share if module.early_loss else 0.0,
            "warmup_steps": module.warmup_steps,
            "ema": module.ema,
            "pattern_weight": module.pattern_weight,
            "precision": "bf16" if bf16 else "fp32",
            "device": trainer.strategy.root_device.type,
            "devices": trainer.world_size,
            "machine": machine(trainer.strategy.root_device),
            "seconds": round(module.seconds_spent()),
            "skipped_steps": module.guard.skipped,
            "seed": seed,
            "date": datetime.now().date().isoformat(),
            **(init or {}),
        },
        "objective": {
            name: float(metrics[f"val/{name}"]) for name in ("total", "content", "style", "tv")
        },
        "versions": {name: version(name) for name in ("fst", "torch", "lightning")},
    }


def _quiet_lightning() -> None:
    """Keeps Lightning's banners and its advice on workers and epochs out of the terminal."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",
        ".*isinstance.treespec, LeafSpec.*",
        ".*Checkpoint directory .* exists and is not empty.*",
        ".*dirpath has changed from.*",
        ".*sync_dist=True.*",  # every process validates on the same photos
        ".*callbacks used to create the checkpoint.*",  # max_time or checkpoint_every has changed
        ".*to control TF32 behavior.*",
        ".*broadcast_buffers. is deprecated.*",  # its successor is not in torch 2.11
    ):
        warnings.filterwarnings("ignore", text)
