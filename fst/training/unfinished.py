"""Which interrupted run is meant: a path, or the newest unfinished one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fst.errors import CheckpointError, DivergedError, InputError
from fst.system.files import atomic_file
from fst.training.checkpoints import by_step, newest_whole, read_resumable

SETTINGS = "config.yaml"
"""In a run's folder: what it was started, or last resumed, with."""

FAILED = "failed.txt"
"""In a run's folder: why it ended before its time, by a fault that it would have again."""


def find_run(
    resume: str, runs: Path, style: str | None, say: Callable[[str], None] = print
) -> Path | None:
    """The checkpoint to go on from; None where ``"auto"`` finds none of this style.

    Args:
        resume: ``"auto"``, or the path of a run's folder or of a ``.ckpt`` file in it.
        runs: the folder of all runs, for ``"auto"``.
        style: whose run; None is the only unfinished one of all styles, where those that have
            failed count only if there is no other.
        say: is given a line for every damaged checkpoint, or failed run, that is passed over.

    Raises:
        CheckpointError: nothing to resume at the given path, or nothing that is whole.
        InputError: no style, and not just one unfinished run.
    """
    if resume != "auto":
        return _at(resume, say)
    if style is None:
        return _only_one(runs, say)
    unfinished = _unfinished(runs / style)
    for path in sorted(unfinished, key=lambda path: path.stat().st_mtime, reverse=True):
        if whole := newest_whole(path.parent, say):
            return whole
        say(f"{path.parent.parent} can't be resumed: none of its checkpoints is whole")
    return None


def _unfinished(runs: Path) -> list[Path]:
    """The newest checkpoint, be it whole or not, of every run of a style without a result."""
    newest = [path for folder in runs.glob("*") for path in by_step(folder / "resume")[-1:]]
    return [path for path in newest if not list(path.parent.parent.glob("*.safetensors"))]


def _only_one(runs: Path, say: Callable[[str], None]) -> Path:
    """The only run that was interrupted; where there is none, the only one that has failed."""
    styles = sorted(folder for folder in runs.glob("*") if folder.is_dir())
    found = sorted(path.parent.parent for folder in styles for path in _unfinished(folder))
    if not found:
        raise InputError(f"resume=auto: no unfinished run in {runs}/: style=NAME begins one")
    failed = [folder for folder in found if (folder / FAILED).exists()]
    interrupted = [folder for folder in found if folder not in failed]
    meant = interrupted or failed
    if len(meant) > 1:
        some = ", ".join(f"resume={folder}" for folder in meant[-5:])
        more = f" (and {len(meant) - 5} others)" if len(meant) > 5 else ""
        what = "unfinished" if interrupted else "failed"
        raise InputError(f"resume=auto: {len(meant)} {what} runs: give one of {some}{more}")
    for folder in failed:
        passed = "" if folder in meant else f" (passed over; resume={folder} goes on with it)"
        say(f"{folder} has failed: {_reason(folder)}{passed}")
    return _at(str(meant[0]), say)


def _reason(folder: Path) -> str:
    """Why a run failed, in a line."""
    try:
        return " ".join((folder / FAILED).read_text(encoding="utf-8", errors="replace").split())
    except OSError as error:
        return f"{error.strerror}"


@contextmanager
def failure_noted(folder: Path) -> Iterator[None]:
    """Notes in a run's folder that it failed by itself, and forgets that it did before.

    A run that ends for want of room, or with another process, is interrupted: it has not failed.
    """
    (folder / FAILED).unlink(missing_ok=True)
    try:
        yield
    except DivergedError as error:
        with suppress(OSError), atomic_file(folder / FAILED) as temporary:
            temporary.write_text(f"{error}\n", encoding="utf-8")
        raise


def _at(resume: str, say: Callable[[str], None]) -> Path:
    path = Path(resume)
    if path.is_file() and path.suffix == ".ckpt":
        read_resumable(path)  # to be found out now, not after the folders are made
        return path
    for folder in (path / "resume", path):
        if by_step(folder):
            if whole := newest_whole(folder, say):
                return whole
            raise CheckpointError(f"can't resume from {path}: none of its checkpoints is whole")
    if (path / SETTINGS).is_file():
        raise CheckpointError(f"can't resume {path}: it was stopped before its first checkpoint")
    if below := _unfinished(path):
        some = ", ".join(f"resume={checkpoint.parent.parent}" for checkpoint in sorted(below)[-5:])
        raise CheckpointError(f"{path} is no run, but holds some: give {some}")
    raise CheckpointError(f"nothing to resume at {resume!r}: give auto, a run's folder or a .ckpt")


def folder_of(checkpoint: Path) -> Path:
    """The folder of the run that a checkpoint belongs to.

    Raises:
        CheckpointError: it lies in no run, or the run is finished.
    """
    absolute = checkpoint.absolute()
    if absolute.parent.name != "resume":
        raise CheckpointError(
            f"{checkpoint} lies in no run: give one of runs/<style>/<date>/resume/"
        )
    inside = checkpoint.parent.name != "resume"  # of a path that is seen from within the run
    folder = absolute.parent.parent if inside else checkpoint.parent.parent
    if finished := next(folder.glob("*.safetensors"), None):
        raise CheckpointError(
            f"{folder} is finished: it holds {finished.name}; init={finished} begins another run "
            "with that"
        )
    return folder
