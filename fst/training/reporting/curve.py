"""The training curve on disk: ``metrics.csv``."""

import csv
from argparse import Namespace
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only

from fst.evaluation.artifacts import Artifacts
from fst.system.files import atomic_file


class CurveCSV(Logger):
    """Writes the metrics to ``metrics.csv``, one row a step, flushed row by row.

    When a run resumes, rows later than the checkpoint are dropped first, so that the file reads as
    if the run had never been interrupted (Lightning's own CSV logger would delete the old rows).

    ``step`` counts from 0, as Lightning does: the row of the first step, and of a validation right
    after it, says 0; so does the validation before it. ``skipped`` is how many steps were left out
    so far because their loss was not finite. The last columns are means of
    :class:`~fst.evaluation.artifacts.Artifacts`, empty for crops that are too small.
    """

    COLUMNS = (
        "step",
        *(f"{part}/{term}" for part in ("train", "val")
          for term in ("total", "content", "style", "tv")),
        "lr",
        "skipped",
        *(f"val/{name}" for name in Artifacts._fields),
    )  # fmt: skip

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

    @rank_zero_only
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
        kept = []
        for number, row in enumerate(self._read()):
            at = int(row["step"])
            # the file's first row is the validation before the first step
            unplanned = row["val/total"] and number > 0 and at == step - 1 and step % val_every
            if at < step and not unplanned:
                kept.append(row)
        with atomic_file(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def has_validation(self, step: int) -> bool:
        """Whether the run was validated after ``step`` steps, at 0 before the first.

        To be asked after :meth:`rewind`. The validation that follows the end of training is labeled
        ``step`` itself; a run resumed there makes it again, so it does not count.
        """
        if not self.path.exists():
            return False
        rows = self._read()
        # two validations are labeled 0: the one before the first step opens the file
        opened = bool(rows) and rows[0]["step"] == "0" and bool(rows[0]["val/total"])
        if step == 0:
            return opened
        labels = [int(row["step"]) for row in rows if row["val/total"]]
        return step - 1 in labels[int(opened) :]

    def _read(self) -> list[dict[str, str]]:
        """The whole rows: a killed run may have left half a row at the end."""
        whole = self.path.read_text(encoding="utf-8").rpartition("\n")[0]
        return [row for row in csv.DictReader(whole.splitlines()) if None not in row.values()]
