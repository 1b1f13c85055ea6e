"""What the folder of a training's run tells of it while it goes on: curve, losses, previews."""

import csv
import math
import re
from pathlib import Path
from typing import NamedTuple

TERMS = ("content", "style", "total")


class Row(NamedTuple):
    """The losses of one step of a training."""

    step: int
    losses: dict[str, float]


def runs_of(style: str, runs: Path) -> set[Path]:
    """The folders of all runs of a style."""
    return {path for path in (runs / style).glob("*") if path.is_dir()}


def read_rows(run: Path) -> list[Row]:
    """The rows of its curve, as far as they are whole; the first step is 1."""
    try:
        text = (run / "metrics.csv").read_text(encoding="utf-8")
    except OSError:  # not yet
        return []
    rows = []
    for row in csv.DictReader(text.rpartition("\n")[0].splitlines()):
        try:
            losses = {term: float(row[f"train/{term}"]) for term in TERMS}
            step = int(row["step"]) + 1
        except (KeyError, TypeError, ValueError):  # a validation's
            continue
        if all(map(math.isfinite, losses.values())):  # else the step was skipped
            rows.append(Row(step, losses))
    return rows


def newest_preview(run: Path) -> tuple[int, Path] | None:
    """Step and file of the newest picture; None where there is none as yet."""
    return _newest(run / "previews", r"step_(\d+)\.png")


def newest_checkpoint(run: Path) -> int | None:
    """The step that a run can go on from; None where there is none."""
    found = _newest(run / "resume", r"step=(\d+)\.ckpt")
    return None if found is None else found[0]


def _newest(folder: Path, pattern: str) -> tuple[int, Path] | None:
    found = (re.fullmatch(pattern, path.name) for path in folder.glob("*"))
    steps = [(int(match[1]), folder / match[0]) for match in found if match]
    return max(steps, default=None)
