"""A page about a training run, in its folder, for any browser: its state, curves and pictures."""

import csv
import functools
import math
import re
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from fst.evaluation.charts import Points, chart, moving_average
from fst.system.files import atomic_file

TERMS = ("total", "content", "style", "tv")
JUDGED = TERMS[:3]
"""What jumps where another network judges from then on."""

QUIET = 300.0
"""Seconds without a sign of life, after which a page no longer says that its run is running; or
three times as long as it was silent before, if that is more."""

Row = dict[str, float]


class RunPage(Callback):
    """Writes ``index.html`` into the run's folder, from ``metrics.csv`` and ``previews/`` there.

    At the start and the end, after validations and previews, and otherwise every ``seconds``. The
    page reloads itself while the run goes on, and says when it was last written: a run that is
    killed can't write its end, so a page that is old calls itself silent. Whatever goes wrong with
    it is told once, in a line, and the training continues. Belongs behind ``Previews`` among the
    trainer's callbacks.

    Args:
        folder: the run's; it exists.
        title: the page's heading.
        seconds: between two writings where nothing special happens.
        settings: what to show of the configuration, name and value.
    """

    def __init__(
        self,
        folder: Path,
        title: str,
        seconds: float = 20.0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.title, self.seconds = Path(folder), title, seconds
        self.settings = dict(settings or {})
        self.state = "running"
        self.first_step = 0
        self.handover: int | None = None
        """The first step that the objective judges after the cheaper network, if there is one."""
        self.silence = 0.0
        self.speed = self.left = self.written = self.mark = 0.0
        self.warned = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the page, so that it can be opened at once, and says where it is."""
        self.state, self.first_step = "running", trainer.global_step
        self.mark = self.written = time.perf_counter()
        if getattr(pl_module, "early_loss", None) is not None:
            share: Any = pl_module.early_share
            self.handover = math.ceil(share * trainer.max_steps)
        self._write(trainer)
        if trainer.is_global_zero and not self.warned:
            print(f"watch it: {self.folder / 'index.html'}", flush=True)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Measures; writes the page if there is a new preview or it is time."""
        step, now = trainer.global_step, time.perf_counter()
        done = step - self.first_step
        if done <= 1:
            self.mark = now  # the first step also compiles and allocates: not measured
        else:
            per_step = (now - self.mark) / (done - 1)
            self.speed = len(batch) * trainer.world_size / per_step
            self.left = per_step * (trainer.max_steps - step)
        preview = self.folder / "previews" / f"step_{step:06d}.png"
        if now - self.written >= self.seconds or preview.exists():
            self._write(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the page with the new validation; the logger has it already."""
        if not trainer.sanity_checking:
            self._write(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Writes the page for good."""
        self._end(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Writes the page for good."""
        self._end(trainer)

    def _end(self, trainer: Trainer) -> None:
        step = trainer.global_step
        self.state = "finished" if step >= trainer.max_steps else f"stopped at step {step:,}"
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        if not trainer.is_global_zero:
            return
        before, self.written = self.written or time.perf_counter(), time.perf_counter()
        self.silence = max(self.silence, self.written - before)
        now = datetime.now()
        try:
            skipped = trainer.callback_metrics.get("skipped")
            page = render(
                self.folder,
                title=self.title,
                settings=self.settings,
                state=self.state,
                step=trainer.global_step,
                max_steps=trainer.max_steps,
                speed=self.speed,
                left=str(timedelta(seconds=round(self.left))) if self.speed else "",
                skipped=None if skipped is None else int(skipped),
                now=now.strftime("%Y-%m-%d %H:%M:%S"),
                seen=round(now.timestamp()),
                quiet=round(max(QUIET, 3 * self.silence)),
                handover=self.handover,
            )
            with atomic_file(self.folder / "index.html") as temporary:
                temporary.write_text(page, encoding="utf-8", errors="backslashreplace")
        except Exception as error:  # no page is worth a training
            if not self.warned:
                reason = " ".join(str(error).split()) or type(error).__name__
                print(f"warning: the run's page can't be written: {reason}", file=sys.stderr)
            self.warned = True


@functools.cache  # compiling it takes longer than all the rest of a page
def _template() -> jinja2.Template:
    text = (Path(__file__).parent / "run.html.jinja").read_text(encoding="utf-8")
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.from_string(text)


def render(folder: Path, **about: Any) -> str:
    """The page as HTML, from ``metrics.csv`` and ``previews/`` in ``folder``.

    Args:
        folder: the run's.
        about: ``title``, ``settings``, ``state``, ``step``, ``max_steps``, ``speed`` (images/s, 0
            for unknown), ``left`` and ``now`` (as text), ``skipped`` (None: the curve's last),
            ``seen`` (now, in seconds since 1970), ``quiet`` (seconds after which it is silent),
            ``handover`` (the first step that another network judges, or None).
    """
    rows = read_rows(folder / "metrics.csv")
    if about["skipped"] is None:
        about["skipped"] = max((int(row.get("skipped", 0)) for row in rows), default=0)
    steps = [re.fullmatch(r"step_(\d+)", path.stem) for path in folder.glob("previews/step_*.png")]
    charts = []
    for term in TERMS:
        train = _pick(rows, f"train/{term}")
        handover = about["handover"] if term in JUDGED else None
        lines = {
            "train": train,
            "average": _averages(train, handover),
            "val": _pick(rows, f"val/{term}"),
        }
        if (drawn := chart(term, lines, about["step"])) and handover:
            drawn["handover"] = round(drawn["width"] * handover / drawn["last"], 1)
        charts.append(drawn)
    rate = chart("learning rate", {"rate": _pick(rows, "lr")}, about["step"], 90, logarithmic=False)
    return _template().render(
        **about,
        charts=[drawn for drawn in (*charts, rate) if drawn],
        latest=max((int(match[1]) for match in steps if match), default=None),
        sheet=(folder / "previews" / "contact_sheet.png").exists(),
    )


def read_rows(path: Path) -> list[Row]:
    """The whole rows of ``metrics.csv``, without their empty cells; one may be half written."""
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8", errors="replace").rpartition("\n")[0]
    rows = []
    for row in csv.DictReader(whole.splitlines()):
        try:
            rows.append({name: float(value) for name, value in row.items() if value != ""})
        except (TypeError, ValueError):
            continue  # too few cells, too many, or no numbers
    return rows


def _averages(points: Points, handover: int | None) -> Points:
    """Moving averages; those of two judges are not mixed."""
    before = sum(step < handover for step, _ in points) if handover else len(points)
    return moving_average(points[:before]) + moving_average(points[before:])


def _pick(rows: Sequence[Row], name: str) -> Points:
    """One column over the steps, without what a logarithmic axis can't show."""
    found = ((row["step"], row[name]) for row in rows if "step" in row and name in row)
    return [(step, value) for step, value in found if math.isfinite(value) and value > 0]
