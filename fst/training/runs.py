"""Where a training run writes, where it starts, and how its result gets its name."""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import yaml
from filelock import FileLock, Timeout
from safetensors import SafetensorError

from fst.errors import CheckpointError, InputError
from fst.styles.trained import TrainedStyle, check_name, save_checkpoint
from fst.system.files import atomic_file, check_writable
from fst.training.checkpoints import by_step, newest_whole, read_resumable, remove_leftovers
from fst.training.earlier import translated

LOCK = "run.lock"
"""In a run's folder, held by the process that trains; the system lets go of it at the latest when
the process ends, however it ends."""

NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What some network file systems say when they are asked for a lock."""

SETTINGS = "config.yaml"
"""In a run's folder: what it was started, or last resumed, with."""


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
) -> Run:
    """Chooses the run's folder and makes sure that its results can be written.

    Args:
        style: the style's name, which names the result.
        runs: the folder of all runs; a new run makes ``runs/<style>/<date>-<time>``.
        checkpoints: the folder of finished styles.
        resume: None for a new run; ``"auto"`` for the newest unfinished run of this style that has
            a whole checkpoint, or a new run where there is none; or the path of a run's folder or
            of a ``.ckpt`` file in it. Of a folder's checkpoints the newest whole one is taken;
            damaged ones are said and stay where they are.
        overwrite: replace a finished style of that name.
        writes: False for the further processes of a run on many devices. They find the same
            checkpoint, but make and say nothing; the folder of a new run is the first process's,
            and what is in ``folder`` here then only a guess at it.

    Raises:
        InputError: a name that is no file name, a style that exists, a folder that isn't writable,
            a run to be resumed that is still going.
        CheckpointError: nothing to resume at the given path, or nothing that is whole.
    """
    try:
        check_name(style)
    except InputError as error:
        raise InputError(f"style.name: {error}") from error
    output = checkpoints / f"{style}.safetensors"
    say = partial(print, flush=True) if writes else _say_nothing
    start = _find_resumable(resume, runs / style, say)
    if output.exists() and not overwrite:
        finished = resume == "auto" and start is None
        raise InputError(
            f"{output} exists{', and no run of it can be resumed' if finished else ''}: give "
            "overwrite=true to replace it, or another style.name=…"
        )
    if resume == "auto" and start is None:
        say(f"nothing to resume in {runs / style}: starting anew")
    if start is None:
        folder = _new_folder(runs / style, writes)
    else:
        folder = _folder_of(start, style, writes)
        say(f"resuming from {start}")
    run = Run(folder, output, start)
    if writes:
        for needed in (run.checkpoints, run.output.parent):
            _make(needed)
            check_writable(needed)
    return run


def _folder_of(checkpoint: Path, style: str, writes: bool) -> Path:
    """The folder of the run that a checkpoint belongs to, which nobody trains at present."""
    if checkpoint.parent.name != "resume":
        raise CheckpointError(
            f"{checkpoint} lies in no run: give one of runs/<style>/<date>/resume/"
        )
    folder = checkpoint.parent.parent
    if folder.parent.name != style:
        raise CheckpointError(
            f"{folder} is a run of {folder.parent.name!r}, not of {style!r}: give "
            f"style.name={folder.parent.name}, with the settings that it was started with"
        )
    if finished := next(folder.glob("*.safetensors"), None):
        raise CheckpointError(
            f"{folder} is finished: it holds {finished.name}; init={finished} begins another run "
            "with that"
        )
    if writes:
        with held(folder):
            remove_leftovers(checkpoint.parent)
    return folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keeps a run's folder for this process: nobody else resumes a run that is going on.

    Raises:
        InputError: another process has it.
    """
    lock = FileLock(folder / LOCK, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{folder} is still being trained by another process: wait for its end, or leave "
            "resume= out for a run of its own"
        ) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        print(f"{folder}: this file system has no locks: don't resume a run that is going on")
    try:
        yield
    finally:
        lock.release()


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
    except OSError as error:
        raise InputError(f"can't make {folder}: {error.strerror}") from error


def _find_resumable(resume: str | None, runs: Path, say: Callable[[str], None]) -> Path | None:
    if resume is None:
        return None
    if resume == "auto":
        newest = [path for folder in runs.glob("*") for path in by_step(folder / "resume")[-1:]]
        unfinished = [p for p in newest if not list(p.parent.parent.glob("*.safetensors"))]
        for path in sorted(unfinished, key=lambda path: path.stat().st_mtime, reverse=True):
            if whole := newest_whole(path.parent, say):
                return whole
            say(f"{path.parent.parent} can't be resumed: none of its checkpoints is whole")
        return None
    path = Path(resume)
    if path.is_file() and path.suffix == ".ckpt":
        read_resumable(path)  # to be found out now, not after the folders are made
        return path
    for folder in (path / "resume", path):
        if by_step(folder):
            if whole := newest_whole(folder, say):
                return whole
            raise CheckpointError(f"can't resume from {path}: none of its checkpoints is whole")
    raise CheckpointError(f"nothing to resume at {resume!r}: give auto, a run's folder or a .ckpt")


def _say_nothing(line: str) -> None:
    """Stands in for print where another process says it."""


def finish(run: Run, style: TrainedStyle, overwrite: bool) -> Path:
    """Writes the finished style into the run's folder and then where finished styles lie.

    Raises:
        InputError: a style of that name has appeared meanwhile.
        CheckpointError: the disk is full, or the like; or a weight is not finite.
    """
    result = run.folder / run.output.name
    _write_result(result, style, "the run's checkpoints are whole: make room, then resume=auto")
    if run.output.exists() and not overwrite:
        raise InputError(f"{run.output} has appeared meanwhile; the result is in {run.folder}")
    _write_result(run.output, style, f"the result is in {run.folder}")
    return run.output


def _write_result(path: Path, style: TrainedStyle, remedy: str) -> None:
    try:
        save_checkpoint(path, style)
    except OSError as error:
        raise CheckpointError(f"can't write {path}: {error.strerror or error}; {remedy}") from error
    except SafetensorError as error:  # the disk's, too: the reason comes last
        reason = str(error).rpartition(": ")[2]
        raise CheckpointError(f"can't write {path}: {reason}; {remedy}") from error


def keep_settings(run: Run, settings: Mapping[str, Any]) -> None:
    """Writes the settings into the run's folder; says what a resumed run was started with else."""
    path = run.folder / SETTINGS
    if run.resume is not None and path.exists():
        try:
            before = translated(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, UnicodeDecodeError):
            before = None  # damaged: it only serves to be compared
        for change in changed_settings(before, settings) if isinstance(before, Mapping) else []:
            print(f"other than in the interrupted run: {change}", flush=True)
    with atomic_file(path) as temporary:
        text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
        temporary.write_text(text, encoding="utf-8")


def changed_settings(
    before: Mapping[str, Any], now: Mapping[str, Any], path: str = ""
) -> list[str]:
    """What differs between two configurations, as ``key: old -> new``; for a resumed run."""
    changes = []
    for key in sorted({*before, *now}):
        name, old, new = f"{path}{key}", before.get(key), now.get(key)
        if name in ("resume", "overwrite", "trainer.max_time"):
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            changes += changed_settings(old, new, f"{name}.")
        elif old != new:
            changes.append(f"{name}: {old} -> {new}")
    return changes
