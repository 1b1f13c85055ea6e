"""Trains a transformer net against the perceptual loss (Johnson et al. 2016, section 3)."""

import math
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from lightning.pytorch.loggers.logger import Logger
from torch import Tensor, nn

from fst.callbacks import CurveCSV, LiveProgress, Previews, StopOnSignal
from fst.checkpoint import TrainedStyle, save_checkpoint
from fst.data import PhotoDataModule
from fst.device import pick_device, pick_precision
from fst.errors import CheckpointError, DivergedError, InputError
from fst.image import check_writable
from fst.perceptual import LossTerms, PerceptualLoss

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
        warmup_steps: int = 50,
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


@dataclass(frozen=True)
class Run:
    """Where a run writes and where it starts: all that is checked before the work begins."""

    folder: Path
    output: Path
    resume: Path | None

    @property
    def checkpoints(self) -> Path:
        """The folder of resumable checkpoints."""
        return self.folder / "resume"


def prepare_run(
    style: str, runs: Path, checkpoints: Path, resume: str | None = None, overwrite: bool = False
) -> Run:
    """Chooses the run's folder and makes sure that its results can be written.

    Args:
        style: the style's name, which names the result.
        runs: the folder of all runs; a new run makes ``runs/<style>/<date>-<time>``.
        checkpoints: the folder of finished styles.
        resume: None for a new run; ``"auto"`` for the newest unfinished run of this style, if there
            is one; or the path of a run's folder or of a ``.ckpt`` file in it.
        overwrite: replace a finished style of that name.

    Raises:
        InputError: a name that is no file name, a style that exists, a folder that isn't writable.
        CheckpointError: nothing to resume at the given path.
    """
    if not style or Path(style).name != style or style.startswith("."):
        raise InputError(f"style.name {style!r} can't name a file: use letters, digits, - and _")
    output = checkpoints / f"{style}.safetensors"
    if output.exists() and not overwrite:
        raise InputError(
            f"{output} exists: give overwrite=true to replace it, or another style.name=…"
        )
    start = _find_resumable(resume, runs / style)
    if resume == "auto" and start is None:
        print(f"nothing to resume in {runs / style}: starting anew", flush=True)
    if start is not None:
        folder = start.parent.parent
        print(f"resuming from {start}", flush=True)
    else:
        stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
        folder = runs / style / stamp
        while folder.exists():  # a run of the same second
            folder = folder.with_name(f"{folder.name}-2")
    run = Run(folder, output, start)
    for needed in (run.checkpoints, checkpoints):
        try:
            needed.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make {needed}: {error.strerror}") from error
        check_writable(needed)
    return run


def _find_resumable(resume: str | None, runs: Path) -> Path | None:
    if resume is None:
        return None
    if resume == "auto":
        found = [path for folder in runs.glob("*") for path in _by_step(folder / "resume")[-1:]]
        unfinished = [p for p in found if not list(p.parent.parent.glob("*.safetensors"))]
        return max(unfinished, key=lambda path: path.stat().st_mtime, default=None)
    path = Path(resume)
    if path.is_file() and path.suffix == ".ckpt":
        return path
    if candidates := _by_step(path / "resume") or _by_step(path):
        return candidates[-1]
    raise CheckpointError(f"nothing to resume at {resume!r}: give auto, a run's folder or a .ckpt")


def _by_step(folder: Path) -> list[Path]:
    return sorted(folder.glob("step=*.ckpt"), key=lambda p: int(p.stem.partition("=")[2]))


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
    _quiet_lightning()
    data.setup()
    if run.resume is None:
        trainer.validate(module, datamodule=data, verbose=False)
        start = None
    else:
        start = _read_step(run.resume)
        for logger in trainer.loggers:
            if isinstance(logger, CurveCSV):
                logger.rewind(start)
        data.start = start * data.batch_size
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
    if trainer.global_step % trainer.val_check_interval:
        trainer.validate(module, datamodule=data, verbose=False)
    return True


def _read_step(path: Path) -> int:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return int(content["global_step"])
    except Exception as error:  # torch.load raises whatever the damage makes of it
        raise CheckpointError(f"{path} is damaged or no checkpoint of a run: {error}") from error


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


def finish(run: Run, style: TrainedStyle, overwrite: bool) -> Path:
    """Writes the finished style into the run's folder and then where finished styles lie."""
    save_checkpoint(run.folder / run.output.name, style)
    if run.output.exists() and not overwrite:
        raise InputError(f"{run.output} has appeared meanwhile; the result is in {run.folder}")
    save_checkpoint(run.output, style)
    return run.output


def _quiet_lightning() -> None:
    """Keeps Lightning's advice on workers and epochs out of the user's terminal."""
    os.environ.setdefault("POSSIBLE_USER_WARNINGS", "off")
    for text in (".*does not have many workers.*", ".*val_check_interval.*", ".*mid-epoch.*"):
        warnings.filterwarnings("ignore", text)
