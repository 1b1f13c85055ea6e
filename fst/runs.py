"""Where a training run writes, where it starts, and how its result gets its name."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from fst.checkpoint import TrainedStyle, save_checkpoint
from fst.errors import CheckpointError, InputError
from fst.image import check_writable


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
        if start.parent.name != "resume":
            raise CheckpointError(
                f"{start} lies in no run: give one of runs/<style>/<date>/resume/"
            )
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
    """The resumable checkpoints of a folder; Lightning may have added ``-v1`` to a name."""
    steps = {path: re.match(r"step=(\d+)", path.stem) for path in folder.glob("step=*.ckpt")}
    return sorted((p for p, step in steps.items() if step), key=lambda p: int(steps[p][1]))  # type: ignore[index]


def read_step(path: Path) -> int:
    """The step at which a resumable checkpoint was written.

    Raises:
        CheckpointError: it is damaged, or no checkpoint of a run.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        return int(content["global_step"])
    except Exception as error:  # torch.load raises whatever the damage makes of it
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise CheckpointError(f"{path} is damaged or no checkpoint of a run: {reason}") from error


def finish(run: Run, style: TrainedStyle, overwrite: bool) -> Path:
    """Writes the finished style into the run's folder and then where finished styles lie."""
    save_checkpoint(run.folder / run.output.name, style)
    if run.output.exists() and not overwrite:
        raise InputError(f"{run.output} has appeared meanwhile; the result is in {run.folder}")
    save_checkpoint(run.output, style)
    return run.output


def changed_settings(
    before: Mapping[str, Any], now: Mapping[str, Any], path: str = ""
) -> list[str]:
    """What differs between two configurations, as ``key: old -> new``; for a resumed run."""
    changes = []
    for key in sorted({*before, *now}):
        name, old, new = f"{path}{key}", before.get(key), now.get(key)
        if name in ("resume", "overwrite", "trainer.max_steps", "trainer.max_time"):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes += changed_settings(old, new, f"{name}.")
        elif old != new:
            changes.append(f"{name}: {old} -> {new}")
    return changes
