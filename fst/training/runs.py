"""Where a training run writes, where it starts, and how its result gets its name."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from safetensors import SafetensorError

from fst.errors import CheckpointError, FstError, InputError
from fst.styles.names import check_name
from fst.styles.trained import TrainedStyle, save_checkpoint
from fst.system import locks
from fst.system.checksum import checksum
from fst.system.files import atomic_file, check_writable
from fst.training.checkpoints import read_resumable, remove_leftovers
from fst.training.resume import REPLACES, style_of
from fst.training.unfinished import SETTINGS, find_run, folder_of

LOCK = "run.lock"
"""In a run's folder, held by the process that trains; the system lets go of it at the latest when
the process ends, however it ends."""


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
    style: str,
    runs: Path,
    checkpoints: Path,
    resume: str | None = None,
    overwrite: bool = False,
    writes: bool = True,
    fits: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Chooses the run's folder and makes sure that its results can be written.

    What is refused changes nothing on disk.

    Args:
        style: the style's name, which names the result.
        runs: the folder of all runs; a new run makes ``runs/<style>/<date>-<time>``.
        checkpoints: the folder of finished styles.
        resume: None for a new run; ``"auto"`` for the newest unfinished run of this style that has
            a whole checkpoint, or a new run where there is none; or the path of a run's folder or
            of a ``.ckpt`` file in it. Of a folder's checkpoints the newest whole one is taken;
            damaged ones are said and stay where they are.
        overwrite: replace a finished style of that name (:func:`may_replace`).
        writes: False for the further processes of a run on many devices. They find the same
            checkpoint, but make and say nothing; the folder of a new run is the first process's,
            and what is in ``folder`` here then only a guess at it.
        fits: is given the content of the checkpoint to resume, and raises where the run can't go on
            from it.

    Raises:
        InputError: a name that is no file name, a style that exists, a folder that isn't writable,
            a run to be resumed that is still going.
        CheckpointError: nothing to resume at the given path, or nothing that is whole.
    """
    output = _output(style, checkpoints)
    say = partial(print, flush=True) if writes else _say_nothing
    start = None if resume is None else find_run(resume, runs, style, say)
    if output.exists() and not overwrite:
        finished = resume == "auto" and start is None
        why = ", and no run of it can be resumed" if finished else ""
        other = "another style.name=…" if start is None else "another checkpoints=FOLDER"
        raise InputError(f"{output} exists{why}: give overwrite=true to replace it, or {other}")
    if resume == "auto" and start is None:
        say(f"nothing to resume in {runs / style}: starting anew")
    if start is None:
        folder = _new_folder(runs / style, writes)
    else:
        folder = _resumable_folder(start, style, writes)
        if fits is not None:
            fits(read_resumable(start))
        say(f"resuming from {start}")
    run = Run(folder, output, start)
    if writes:
        for needed in (run.checkpoints, run.output.parent):
            _make(needed)
            check_writable(needed)
    if writes and start is not None:
        with held(folder):
            remove_leftovers(run.checkpoints)
    return run


def may_replace(settings: dict[str, Any]) -> bool:
    """Whether a finished style of the run's name is replaced; notes which one, to be kept.

    ``overwrite=true`` is said of the file that is there when it is typed. A run that is resumed
    without saying it again replaces that file alone: another one may be another run's result.

    Args:
        settings: all of a run; ``replaces``, the file's checksum or null, is set where it isn't.
    """
    if not settings["overwrite"]:
        return False
    output = _output(settings["style"]["name"], Path(settings["checkpoints"]))
    there = checksum(output) if output.is_file() else None
    return bool(settings.setdefault(REPLACES, there) == there)


def _output(style: str, checkpoints: Path) -> Path:
    """The file of the finished style, whose name can be one."""
    try:
        return checkpoints / f"{check_name(style)}.safetensors"
    except InputError as error:
        raise InputError(f"style.name: {error}") from error


def _resumable_folder(checkpoint: Path, style: str, writes: bool) -> Path:
    """The folder of the run that a checkpoint belongs to, which nobody trains at present."""
    folder = folder_of(checkpoint)
    if (its := style_of(folder)) != style:
        raise CheckpointError(
            f"{folder} is a run of {its!r}, not of {style!r}: resume={folder} alone goes on with it"
        )
    if writes and (folder / LOCK).exists():  # without one nobody trains it; none is made yet
        with held(folder):
            pass
    return folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a run's folder for this process: nobody else resumes a run that is going on.

    Raises:
        InputError: another process has it.
    """
    busy = (
        f"{folder} is still being trained by another process: wait for its end, or leave "
        "resume= out for a new run"
    )
    unlocked = f"{folder}: this file system has no locks: don't resume a run that is going on"
    with locks.held(folder / LOCK, busy, unlocked):
        yield


def _new_folder(runs: Path, writes: bool) -> Path:
    """A folder named after the present second that no other run has; made, if this one writes."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    for number in count(1):
        folder = runs / (stamp if number == 1 else f"{stamp}-{number}")
        if writes and not folder.exists():
            _make(runs)
            try:
                folder.mkdir()  # by one process alone, also where several start in this second
            except FileExistsError:
                continue
            except OSError as error:
                raise InputError(f"can't make {folder}: {error.strerror}") from error
            return folder
        if not writes and not folder.exists():
            return folder
    raise AssertionError("count() ends never")


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"{folder} is a file, expected a folder") from error
    except OSError as error:
        raise InputError(f"can't make {folder}: {error.strerror}") from error


def _say_nothing(line: str) -> None:
    """Stands in for print where another process says it."""


def finish(run: Run, style: TrainedStyle, overwrite: bool) -> Path:
    """Writes the finished style into the run's folder and then where finished styles lie.

    The one in the run's folder gets its name last: a run that is killed in between is resumed.

    Raises:
        InputError: a style of that name has appeared meanwhile.
        CheckpointError: the disk is full, or the like; or a weight is not finite.
    """
    result = run.folder / run.output.name
    kept = result.with_name(f"{result.name}.part")
    remedy = "the run's checkpoints are whole: make room, then resume=auto"
    _write_result(kept, style, remedy, result)
    try:
        if run.output.exists() and not overwrite:
            raise InputError(f"{run.output} has appeared meanwhile; the result is in {run.folder}")
        _write_result(run.output, style, f"the result is in {run.folder}", run.output)
    except FstError:
        kept.replace(result)
        raise
    kept.replace(result)
    return run.output


def _write_result(place: Path, style: TrainedStyle, remedy: str, path: Path) -> None:
    """Into ``place``, which messages call ``path``."""
    try:
        save_checkpoint(place, style)
    except OSError as error:
        raise CheckpointError(f"can't write {path}: {error.strerror or error}; {remedy}") from error
    except SafetensorError as error:  # the disk's, too: the reason comes last
        reason = str(error).rpartition(": ")[2]
        raise CheckpointError(f"can't write {path}: {reason}; {remedy}") from error


def keep_settings(run: Run, settings: Mapping[str, Any]) -> None:
    """Writes the settings into the run's folder."""
    with atomic_file(run.folder / SETTINGS) as temporary:
        text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")
