"""Trains a transformer net against the perceptual loss (Johnson et al. 2016, section 3)."""

import logging
import math
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers.logger import Logger
from torch import Tensor, nn

from fst.callbacks import CurveCSV, LiveProgress, Previews, StopOnSignal
from fst.data import PhotoDataModule
from fst.device import pick_device, pick_precision
from fst.errors import CheckpointError, DivergedError, InputError
from fst.perceptual import LossTerms, PerceptualLoss
from fst.runs import Run, read_step

SCHEDULES = ("cosine", "constant")


class StyleTransferModule(lightning.LightningModule):
    """A net, the loss that judges it, and how the net learns.

    Args:
        net: ``(N, 3, H, W)`` to the same shape, RGB in [0, 1].
        loss: the objective; its VGG-19 is in no checkpoint.
        learning_rate: of Adam (the paper: 1e-3).
        schedule: ``"constant"`` as in the paper, or ``"cosine"`` decay to zero at the last step.
        warmup_steps: over which the learning rate rises from zero.

    Source:
        Johnson et al. 2016, section 4.1.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: PerceptualLoss,
        learning_rate: float = 1e-3,
        schedule: str = "cosine",
        warmup_steps: int = 20,
    ) -> None:
        super().__init__()
        if schedule not in SCHEDULES:
            raise InputError(f"schedule must be one of {', '.join(SCHEDULES)}, not {schedule!r}")
        if not (math.isfinite(learning_rate) and learning_rate > 0):
            raise InputError(f"learning_rate must be above 0, not {learning_rate}")
        self.net = net.to(memory_format=torch.channels_last)
        self.loss = loss
        self.learning_rate, self.schedule = learning_rate, schedule
        self.warmup_steps = warmup_steps

    def forward(self, photos: Tensor) -> Tensor:
        """The photos painted: ``(N, 3, H, W)`` in [0, 1]."""
        painted: Tensor = self.net(photos.contiguous(memory_format=torch.channels_last))
        return painted

    def training_step(self, photos: Tensor, batch_idx: int) -> Tensor:
        """The batch's mean objective."""
        terms = self.loss(self(photos), self.loss.content_targets(photos))
        self._log("train", terms)
        self.log("lr", self.trainer.optimizers[0].param_groups[0]["lr"])
        objective: Tensor = terms.total.mean()
        if not bool(torch.isfinite(objective)):
            bad = [name for name, term in terms._asdict().items() if not term.isfinite().all()]
            raise DivergedError(
                f"the {' and '.join(bad)} loss is not finite at step {self.global_step}; the "
                "checkpoints before it are kept. Lower learning_rate, then resume=auto"
            )
        return objective

    def validation_step(self, photos: Tensor, batch_idx: int) -> None:
        """Logs the mean objective of the held-out photos."""
        self._log("val", self.loss(self(photos), self.loss.content_targets(photos)))

    def configure_optimizers(self) -> Any:
        """Adam; the schedule is counted in steps."""
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.learning_rate)
        steps = self.trainer.max_steps

        def factor(step: int) -> float:
            warmup = min(1.0, (step + 1) / (self.warmup_steps + 1))
            decay = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
            return warmup * (decay if self.schedule == "cosine" else 1.0)

        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]

    def _log(self, part: str, terms: LossTerms) -> None:
        values = {f"{part}/total": terms.total.mean()}
        values |= {f"{part}/{name}": term.mean() for name, term in terms._asdict().items()}
        self.log_dict(values, batch_size=len(terms.content))


def make_trainer(
    run: Run,
    loggers: list[Logger],
    max_steps: int = 40_000,
    device: str = "auto",
    precision: str = "auto",
    log_every: int = 10,
    val_every: int = 500,
    preview_every: int = 500,
    checkpoint_every: int = 30,
    print_every: int = 50,
    max_time: str | None = None,
) -> lightning.Trainer:
    """A Lightning trainer with this project's callbacks.

    Args:
        run: where to write.
        loggers: Lightning loggers.
        max_steps: at least 1.
        device: ``auto``, ``cpu``, ``cuda`` …
        precision: ``auto``, ``fp32`` or ``bf16``.
        log_every: steps between logged losses.
        val_every: steps between validations.
        preview_every: steps between preview pictures.
        checkpoint_every: steps between resumable checkpoints; the last two are kept.
        print_every: steps between lines where the output is no terminal.
        max_time: ``DD:HH:MM:SS`` after which to stop.

    Raises:
        InputError: a number of steps below 1, an unknown device or precision.
    """
    counts = (max_steps, log_every, val_every, preview_every, checkpoint_every, print_every)
    if min(counts) < 1:
        raise InputError("trainer.max_steps and the trainer's intervals must be at least 1")
    _quiet_lightning()
    where = pick_device(device)
    bf16 = pick_precision(precision, where) == torch.bfloat16
    callbacks: list[Callback] = [
        ModelCheckpoint(
            run.checkpoints,
            filename="{step}",
            monitor="step",
            mode="max",
            save_top_k=2,
            every_n_train_steps=checkpoint_every,
        ),
        Previews(run.folder / "previews", preview_every),
        StopOnSignal(run.checkpoints),
        LiveProgress(print_every),
    ]
    return lightning.Trainer(
        accelerator=where.type,
        devices=1,
        precision="bf16-mixed" if bf16 else "32-true",
        max_steps=max_steps,
        max_time=max_time,
        logger=loggers,
        callbacks=callbacks,
        log_every_n_steps=log_every,
        val_check_interval=val_every,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run.folder,
    )


def fit(
    module: StyleTransferModule, data: PhotoDataModule, trainer: lightning.Trainer, run: Run
) -> bool:
    """Trains, validating first and last; True when the run reached its last step.

    Raises:
        DivergedError: the loss is no longer finite.
        CheckpointError: the checkpoint to resume from does not fit.
    """
    data.setup()
    if run.resume is None:
        trainer.validate(module, datamodule=data, verbose=False)
    else:
        start = read_step(run.resume)
        for logger in trainer.loggers:
            if isinstance(logger, CurveCSV):
                logger.rewind(start, int(trainer.val_check_interval))
    try:
        trainer.fit(module, datamodule=data, ckpt_path=run.resume, weights_only=True)
    except RuntimeError as error:
        if run.resume is None or "state_dict" not in str(error):
            raise
        reason = "its net is not the configured one"
        raise CheckpointError(f"can't resume from {run.resume}: {reason}") from error
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    stop = next(c for c in callbacks if isinstance(c, StopOnSignal))
    if stop.received is not None:
        print(f"stopped; go on with resume=auto, or resume={stop.saved}", file=sys.stderr)
        return False
    if trainer.global_step % trainer.val_check_interval or "val/total" not in (
        trainer.callback_metrics
    ):
        trainer.validate(module, datamodule=data, verbose=False)
    return True


def describe_run(
    module: StyleTransferModule,
    data: PhotoDataModule,
    trainer: lightning.Trainer,
    net: Mapping[str, Any],
    style: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """The description that a finished checkpoint carries."""
    metrics = trainer.callback_metrics
    return {
        "net": dict(net),
        "style": dict(style),
        "loss": module.loss.describe(),
        "data": data.describe(),
        "training": {
            "steps": trainer.global_step,
            "learning_rate": module.learning_rate,
            "schedule": module.schedule,
            "warmup_steps": module.warmup_steps,
            "precision": str(trainer.precision),
            "device": trainer.strategy.root_device.type,
            "seed": seed,
            "date": datetime.now().date().isoformat(),
        },
        "objective": {
            name: float(metrics[f"val/{name}"]) for name in ("total", "content", "style", "tv")
        },
        "versions": {name: version(name) for name in ("fst", "torch", "lightning")},
    }


def _quiet_lightning() -> None:
    """Keeps Lightning's banners and its advice on workers and epochs out of the terminal."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    for text in (
        ".*does not have many workers.*",
        ".*isinstance.treespec, LeafSpec.*",
        ".*Checkpoint directory .* exists and is not empty.*",
        ".*dirpath has changed from.*",
    ):
        warnings.filterwarnings("ignore", text)
