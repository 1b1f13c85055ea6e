"""What a training run shows, writes and guards, as Lightning callbacks and a logger."""

import csv
import signal
import sys
import time
from argparse import Namespace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.loggers.logger import Logger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor
from torchvision.utils import make_grid

from fst.image import save_image

PREVIEW_PHOTOS = 4
PRESETS = "smaller presets: experiment=cpu (2,500 steps) and experiment=quick (200 steps)"


class CurveCSV(Logger):
    """Writes the metrics to ``metrics.csv``, one row a step, flushed row by row.

    When a run resumes, rows later than the checkpoint are dropped first, so that the file reads as
    if the run had never been interrupted (Lightning's own CSV logger would delete the old rows).
    """

    COLUMNS = ("step", *(f"{part}/{term}" for part in ("train", "val")
                         for term in ("total", "content", "style", "tv")), "lr")  # fmt: skip

    def __init__(self, save_dir: str) -> None:
        super().__init__()
        self.path = Path(save_dir) / "metrics.csv"

    @property
    def name(self) -> str:
        """Required by Lightning."""
        return "csv"

    @property
    def version(self) -> str:
        """Required by Lightning."""
        return ""

    def log_hyperparams(
        self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any
    ) -> None:
        """The configuration is written as ``config.yaml``, not here."""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Appends one row; metrics without a column (speed) are left to TensorBoard."""
        known = {key: value for key, value in metrics.items() if key in self.COLUMNS}
        if not known:
            return
        new = not self.path.exists()
        with self.path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow({"step": step, **known})

    def rewind(self, step: int, val_every: int = 1) -> None:
        """Drops the rows that a run resumed at ``step`` will write again.

        The validation of ``step`` itself stays if it was due, and goes if a stop had caused it.
        """
        if not self.path.exists():
            return
        # a killed run may have left half a row at the end
        whole = self.path.read_text(encoding="utf-8").rpartition("\n")[0]
        rows = [row for row in csv.DictReader(whole.splitlines()) if None not in row.values()]
        self.path.unlink()
        for row in rows:
            at = int(row.pop("step"))
            values = {key: value for key, value in row.items() if value}
            unplanned = "val/total" in values and at == step - 1 > 0 and step % val_every
            if at < step and not unplanned:
                self.log_metrics(values, at)  # type: ignore[arg-type]


class LiveProgress(Callback):
    """Step, loss terms, images/s and time left: a live bar, or a line now and then in a log file.

    A few steps into the run it also says how long the whole will take, if that is over an hour.
    """

    MEASURED_STEPS = 5

    def __init__(self, every: int = 50) -> None:
        self.every = every
        self.bar: Progress | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts the bar where the run starts."""
        self.first_step = trainer.global_step
        self.mark = time.perf_counter()
        short = trainer.max_steps <= self.every
        self.interval = max(1, trainer.max_steps // 10) if short else self.every
        self.console = Console()
        if self.console.is_terminal:
            self.bar = Progress(
                TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=None),
                TextColumn("{task.fields[terms]}"), TimeRemainingColumn(), TextColumn("left"),
                console=self.console,
            )  # fmt: skip
            self.bar.start()
            self.task = self.bar.add_task(
                "train", total=trainer.max_steps, completed=self.first_step, terms=""
            )

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Moves the bar, or prints a line."""
        step, now = trainer.global_step, time.perf_counter()
        done = step - self.first_step
        if done == 1:
            self.mark = now  # the first step also compiles and allocates: not measured
            return
        per_step = (now - self.mark) / max(done - 1, 1)
        speed = len(batch) * trainer.world_size / per_step
        if done == self.MEASURED_STEPS:
            rest = trainer.max_steps - step
            steps = trainer.max_steps if self.first_step == 0 else rest
            self._estimate(per_step * rest, steps)
        if step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            pl_module.log("images_per_second", speed)
        report = step % self.interval == 0 or step == trainer.max_steps
        if self.bar is None and not report:
            return
        metrics = trainer.callback_metrics
        terms = " ".join(
            f"{name} {float(metrics[f'train/{name}']):.3f}"
            for name in ("content", "style", "tv")
            if f"train/{name}" in metrics
        )
        if self.bar is not None:
            self.bar.update(self.task, completed=step, terms=f"{terms} · {speed:.1f} images/s")
        else:
            left = format_seconds(per_step * (trainer.max_steps - step))
            line = f"step {step}/{trainer.max_steps}  {terms}  {speed:.1f} images/s  {left} left"
            print(line, flush=True)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints the validation objective."""
        metrics = trainer.callback_metrics
        if not trainer.sanity_checking and "val/total" in metrics:
            values = {name: float(metrics[f"val/{name}"]) for name in ("total", "content", "style")}
            text = "  ".join(f"{name} {value:.3f}" for name, value in values.items())
            (self.bar.console.print if self.bar else print)(
                f"validation at step {trainer.global_step}: {text}"
            )

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leaves the terminal as it was, also after an error."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _estimate(self, seconds: float, steps: int) -> None:
        if seconds > 3600:
            duration = format_seconds(seconds)
            print(f"{steps:,} steps take about {duration} on this device; {PRESETS}", flush=True)


class Previews(Callback):
    """Writes held-out photos above their stylized versions, every N steps, as a PNG."""

    def __init__(self, folder: Path, every: int) -> None:
        self.folder, self.every = folder, every

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Writes ``step_000500.png`` and shows it in TensorBoard."""
        step = trainer.global_step
        if not trainer.is_global_zero or (step % self.every and step != trainer.max_steps):
            return
        held_out = trainer.datamodule.val  # type: ignore[attr-defined]
        count = min(PREVIEW_PHOTOS, len(held_out))
        photos = torch.stack([held_out[i] for i in range(count)]).to(pl_module.device)
        with torch.no_grad():
            painted = pl_module(photos)
        grid = make_grid(torch.cat([photos, painted.float()]), nrow=count, padding=4, pad_value=1.0)
        self.folder.mkdir(parents=True, exist_ok=True)
        save_image(self.folder / f"step_{step:06d}.png", grid[None])
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_image("preview", grid, step)


class StopOnSignal(Callback):
    """``Ctrl-C`` and ``SIGTERM`` end the run after the step at hand, with a resumable checkpoint.

    A second ``Ctrl-C`` ends it at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.received: int | None = None
        self.saved: Path | None = None
        self._before: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes over the two signals; after Lightning, which sets handlers of its own."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._receive)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Saves and stops, if a signal has come."""
        if self.received is not None and self.saved is None:
            self.saved = self.folder / f"step={trainer.global_step}.ckpt"
            trainer.save_checkpoint(self.saved)
            trainer.should_stop = True

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
        print("stopping after this step …", file=sys.stderr, flush=True)


def format_seconds(seconds: float) -> str:
    """``45 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
