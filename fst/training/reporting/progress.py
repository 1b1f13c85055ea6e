"""What a training run shows, writes and guards, as Lightning callbacks."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text
from torch import Tensor


class LiveProgress(Callback):
    """Step, loss terms, images/s and time left: a live bar, or lines where none can be drawn.

    Each term is told as it is and, in brackets, averaged over about the last 50 steps (an
    exponential moving average; a resumed run starts it anew). A line comes as soon as the speed is
    known, then every ``seconds``, and at the last step. With ``every`` there is also one every so
    many steps, or about ten in a run shorter than that.

    A few steps into the run it also says how long the whole will take, if that is over an hour, and
    which trainings are ``smaller``. Of several processes the first one speaks.
    """

    MEASURED_STEPS = 5
    AVERAGED_STEPS = 50
    BAR_SECONDS = 0.25

    def __init__(self, every: int | None = None, seconds: float = 60.0) -> None:
        self.every, self.seconds = every, seconds
        self.smaller: Sequence[str] = ()
        self.bar: TermsBar | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Starts the bar where the run starts."""
        self.first_step = trainer.global_step
        self.mark = self.shown = time.perf_counter()
        self.interval = self.every
        if self.every is not None and trainer.max_steps <= self.every:
            self.interval = max(1, trainer.max_steps // 10)
        self.terms = Averages(self.AVERAGED_STEPS)
        self.note = f"  (avg: ~{self.AVERAGED_STEPS} steps)"
        console = Console()
        if console.is_interactive and trainer.is_global_zero:
            self.bar = TermsBar(
                TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=None),
                TextColumn("{task.fields[pace]}"), console=console,
            )  # fmt: skip
            self.bar.start()
            self.task = self.bar.add_task(
                "train", total=trainer.max_steps, completed=self.first_step, pace=""
            )

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Measures; moves the bar or prints a line, if it is time."""
        step, now = trainer.global_step, time.perf_counter()
        done = step - self.first_step
        self.terms.update(trainer.callback_metrics)
        pace = ""
        if done <= 1:
            self.mark = now  # the first step also compiles and allocates: not measured
        else:
            per_step = (now - self.mark) / (done - 1)
            speed = len(batch) * trainer.world_size / per_step
            left = format_seconds(per_step * (trainer.max_steps - step))
            pace = f"{speed:.1f} images/s  {left} left"
            if step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
                pl_module.log("images_per_second", speed)
            if done == self.MEASURED_STEPS and trainer.is_global_zero:
                rest = trainer.max_steps - step
                self._estimate(per_step * rest, trainer.max_steps if not self.first_step else rest)
        due = self._is_time(step, done, now) or step == trainer.max_steps
        if due and trainer.is_global_zero:
            self.shown = now
            self._show(step, trainer.max_steps, pace)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Prints the validation objective."""
        metrics = trainer.callback_metrics
        if trainer.is_global_zero and not trainer.sanity_checking and "val/total" in metrics:
            names = ("content", "style", "total")
            text = "  ".join(f"{name} {_number(float(metrics[f'val/{name}']))}" for name in names)
            (self.bar.console.print if self.bar else print)(
                f"validation at step {trainer.global_step}: {text}"
            )

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leaves the terminal as it was; Lightning's ``teardown`` is for what ends well."""
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Leaves the terminal as it was."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _is_time(self, step: int, done: int, now: float) -> bool:
        waited = now - self.shown
        if self.bar is not None:
            return waited >= self.BAR_SECONDS
        counted = self.interval is not None and step % self.interval == 0
        return counted or done == self.MEASURED_STEPS or waited >= self.seconds

    def _show(self, step: int, max_steps: int, pace: str) -> None:
        terms = "  ".join(
            f"{name} {_number(now)} (avg {_number(mean)})" for name, now, mean in self.terms.read()
        )
        if self.bar is not None:
            self.bar.text = terms + self.note
            self.bar.update(self.task, completed=step, pace=pace)
            return
        print("  ".join(filter(None, (f"step {step}/{max_steps}", terms, pace))) + self.note,
              flush=True)  # fmt: skip
        self.note = ""  # once is enough in a log

    def _estimate(self, seconds: float, steps: int) -> None:
        if seconds > 3600:
            line = f"{steps:,} steps take about {format_seconds(seconds)} on this device"
            instead = f"; smaller: {', '.join(self.smaller)}" if self.smaller else ""
            print(line + instead, flush=True)


def tell_smaller(trainer: Trainer, smaller: Sequence[str]) -> None:
    """Lets a trainer that shows its progress name smaller trainings, should this one take long."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for callback in callbacks:
        if isinstance(callback, LiveProgress):
            callback.smaller = smaller


class TermsBar(Progress):
    """A progress bar with a line of text below it."""

    text = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """What is drawn."""
        yield self.make_tasks_table(self.tasks)
        yield Text(self.text)


class Averages:
    """The loss terms and their moving averages, kept on the device until they are read."""

    def __init__(self, steps: int) -> None:
        self.steps, self.count = steps, 0
        self.names: list[str] = []

    def update(self, metrics: Mapping[str, Tensor]) -> None:
        """Takes in a step's terms; what is not finite (a skipped step) is left out of the mean."""
        names = [name for name in ("content", "style", "tv") if f"train/{name}" in metrics]
        if not names:
            return
        self.now = torch.stack([metrics[f"train/{name}"].detach().float() for name in names])
        if names != self.names:
            self.names, self.count, self.mean = names, 0, self.now
        self.count += 1  # up to `steps` a plain mean: nothing is biased to the first value
        mean = self.mean.lerp(self.now, 1 / min(self.count, self.steps))
        mean = torch.where(self.mean.isfinite(), mean, self.now)
        self.mean = torch.where(self.now.isfinite(), mean, self.mean)

    def read(self) -> list[tuple[str, float, float]]:
        """Name, present value and average of each term; waits for the device."""
        if not self.names:
            return []
        now, mean = torch.stack([self.now, self.mean]).tolist()
        return list(zip(self.names, now, mean, strict=True))


def format_seconds(seconds: float) -> str:
    """``45 s``, ``12 min`` or ``3.5 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _number(value: float) -> str:
    return f"{value:.3f}" if not abs(value) < 0.1 else f"{value:.4f}"  # tv is small
