"""Whose folder of segments it is: each painting has one of its own beside its target.

Another painting's folder, and anybody's who happens to have that name, is left as it is. A lock
keeps two of the same command apart.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from fst.errors import InputError
from fst.inference.names import fitting
from fst.inference.video.segments import JOB, LOCK, Parts, read_line
from fst.system.files import write_json
from fst.system.locks import held
from fst.system.temporaries import NAME as TEMPORARY

ENDING = ".parts"
"""Of a folder's name."""

MOST = 20
"""Unfinished paintings for one target."""


@contextmanager
def held_parts(target: Path, suffix: str, job: Mapping[str, Any]) -> Iterator[Parts]:
    """The folder for a painting, kept for this process.

    It is the one of an earlier time of the same command, if there is one. Another painting's folder
    stays as it is. Where the block raises and no segment is whole, the folder goes.

    Args:
        target: the finished clip.
        suffix: of segments.
        job: all that decides the pixels and how they are encoded; plain values.

    Raises:
        InputError: another process has it; nothing can be made there.
    """
    wanted: dict[str, Any] = json.loads(json.dumps(job))  # as it is read
    found = {folder: _job_in(folder) for folder in _folders(target)}
    mine = [folder for folder, its in found.items() if its == wanted]
    free = [folder for folder, its in found.items() if its == {}]
    if not mine and not free:
        raise InputError(
            f"there are {MOST} unfinished paintings of {target}: remove those in "
            f"{target}{ENDING} ... that are not wanted, or give another --output"
        )
    folder = (mine or free)[0]
    others = [
        f"{other} has what was painted with other settings, and stays"
        for other, its in found.items()
        if its and other != folder
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"can't make {folder}: {error.strerror}") from error
    with _locked(folder, target):
        if not (folder / JOB).is_file():  # new, or its last owner has just finished
            write_json(folder / JOB, wanted)
        parts = Parts(folder, suffix, tuple(others))
        try:
            yield parts
        except BaseException:
            if not kept_frames(folder):  # nothing to go on from
                remove_parts(parts)
            raise


def kept_frames(folder: Path) -> int:
    """How many frames are in the segments that are whole."""
    if not folder.is_dir():
        return 0
    known = [(read_line(path), path) for path in folder.glob("[0-9]*.json")]
    names = {path.name.partition(".")[0] for path in folder.iterdir() if _is_whole(path)}
    counts = [one.get("frames", 0) for one, path in known if path.stem in names]
    return sum(one for one in counts if type(one) is int)


def _is_whole(path: Path) -> bool:
    """Whether it is a segment; what lies beside it, and what is being written, is none."""
    return path.suffix not in (".json", ".safetensors") and ".new" not in path.name


def forget_parts(target: Path, wanted: Callable[[], Mapping[str, Any]]) -> None:
    """Removes what was left of a painting that was finished, and killed before its last step.

    Args:
        target: the finished clip.
        wanted: gives what has to be in the folder's ``job.json``; asked where there are folders.
    """
    for folder in _folders(target):
        if (its := _job_in(folder)) and all(its.get(k) == v for k, v in wanted().items()):
            with _locked(folder, target):
                remove_parts(Parts(folder, ""))


def remove_parts(parts: Parts) -> None:
    """Removes the folder of a painting that is finished, and what is ours in it."""
    if not parts.folder.is_symlink() and (parts.folder / JOB).is_file():
        shutil.rmtree(parts.folder, ignore_errors=True)


def _folders(target: Path) -> list[Path]:
    """What can be a painting's, whether it is there or not."""
    names = [ENDING, *(f"{ENDING}-{number}" for number in range(2, MOST + 1))]
    return [target.with_name(fitting(target.name, name)) for name in names]


def _job_in(folder: Path) -> dict[str, Any] | None:
    """Whose folder it is; empty where it is anybody's to take, None where it is another's."""
    if not os.path.lexists(folder):
        return {}
    if folder.is_symlink() or not folder.is_dir():
        return None
    if found := read_line(folder / JOB):
        return found
    # an earlier time of ours was killed before its first line, or somebody has made a folder
    names = [path.name for path in folder.iterdir()]
    return {} if all(name == LOCK or TEMPORARY.fullmatch(name) for name in names) else None


def _locked(folder: Path, target: Path) -> AbstractContextManager[None]:
    return held(
        folder / LOCK,
        f"{target} is being painted by another process: wait for its end, or give another --output",
    )
