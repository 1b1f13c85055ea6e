"""A painting that takes hours, in parts that are whole: what is painted stays, however it ends.

Beside the target ``film-monet.mp4`` lies, until that is finished, the folder
``film-monet.mp4.parts``. It has ``job.json``, which says what is painted, and for every segment of
the clip a file (or folder) with its painted frames, one with what is known of it, and of the last
one what the painter remembers. A segment gets its name when all of that is on the disk, so whatever
has its name is whole, and the same command goes on behind it.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fst.errors import InputError
from fst.inference.names import fitting
from fst.inference.video.frames import About
from fst.system.files import atomic_file, write_json
from fst.system.temporaries import NAME as TEMPORARY

ENDING = ".parts"
"""Of the folder's name."""

MOST = 20
"""Unfinished paintings for one target."""

SECONDS = 4
"""Of a clip, in a segment."""

PIXELS = 30_000_000
"""Painted in a segment, where it has a second of the clip at least: about a minute of one core."""

_JOB, _LOCK = "job.json", "job.lock"
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


def segment_length(about: About, pixels: int) -> int:
    """How many frames a segment has: by clip and size alone, so that it is the same after a stop.

    Args:
        about: of the clip.
        pixels: of a painted frame.
    """
    second = max(1, min(60, round(about.rate)))
    return max(second, min(SECONDS * second, PIXELS // max(1, pixels)))


@dataclass(frozen=True)
class Done:
    """What is painted already.

    Attributes:
        segments: how many are whole.
        frames: how many are in them.
        ended: they are all of the clip.
        state: what the painter remembered after them; None where that can't be read.
        notes: what was found in the clip, where all of it was read.
    """

    segments: int = 0
    frames: int = 0
    ended: bool = False
    state: dict[str, Tensor] | None = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The folder of one painting.

    Attributes:
        folder: that is there, and this process's alone.
        suffix: of a segment's name; empty where it is a folder.
        others: lines on other paintings' folders for the same target.
    """

    folder: Path
    suffix: str
    others: tuple[str, ...] = ()

    def path(self, number: int) -> Path:
        """Of a segment, from 0."""
        return self.folder / f"{number:06d}{self.suffix}"

    def unfinished(self, number: int) -> Path:
        """Where a segment is written, until it is whole."""
        return self.folder / f"{number:06d}.new{self.suffix}"

    def _known(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json"

    def _state(self, number: int) -> Path:
        return self.folder / f"{number:06d}.safetensors"

    def keep(
        self,
        number: int,
        frames: int,
        state: Mapping[str, Tensor],
        ended: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Gives a segment that is written its name.

        Args:
            number: of the segment.
            frames: how many are in it.
            state: what the painter remembers after it.
            ended: it is the clip's last.
            notes: what was found in the clip, if so.
        """
        written = self.unfinished(number)
        if written.is_file():
            with written.open("rb+") as file:
                os.fsync(file.fileno())
        if not ended:
            with atomic_file(self._state(number)) as temporary:
                save_file({name: one.cpu().contiguous() for name, one in state.items()}, temporary)
        known = {"frames": frames, "ended": ended, "notes": list(notes)}
        write_json(self._known(number), known)
        written.rename(self.path(number))
        if number:
            self._state(number - 1).unlink(missing_ok=True)

    def done(self) -> Done:
        """What is whole; all else of an earlier time is removed."""
        known: list[dict[str, Any]] = []
        for number in count():
            one = _read(self._known(number)) if self.path(number).exists() else {}
            if type(one.get("frames")) is not int or one["frames"] < 1:
                break
            known.append(one)
            if one.get("ended"):
                break
        self._keep_only(len(known))
        if not known:
            return Done()
        frames, ended = sum(one["frames"] for one in known), bool(known[-1].get("ended"))
        state: dict[str, Tensor] | None = {}
        if not ended:
            try:
                state = load_file(self._state(len(known) - 1))
            except (OSError, SafetensorError):  # hours of painting are worth more than a seam
                state = None
        notes = tuple(str(note) for note in known[-1].get("notes", ()))
        return Done(len(known), frames, ended, state, notes)

    def _keep_only(self, segments: int) -> None:
        """Removes what belongs to later segments, or to none."""
        kept = {_JOB, _LOCK, *([self._state(segments - 1).name] if segments else [])}
        for number in range(segments):
            kept |= {self.path(number).name, self._known(number).name}
        for path in list(self.folder.iterdir()):
            if path.name not in kept:
                _remove(path)

    def paths(self, segments: int) -> list[Path]:
        """Of the first so many segments."""
        return [self.path(number) for number in range(segments)]


@contextmanager
def held_parts(target: Path, suffix: str, job: Mapping[str, Any]) -> Iterator[Parts]:
    """The folder for a painting, kept for this process.

    It is the one of an earlier time of the same command, if there is one. Another painting's folder
    stays as it is.

    Args:
        target: the finished clip.
        suffix: of segments.
        job: all that decides the pixels and how they are encoded; plain values.

    Raises:
        InputError: another process has it; nothing can be made there.
    """
    wanted: dict[str, Any] = json.loads(json.dumps(job))  # as it is read
    names = [ENDING, *(f"{ENDING}-{number}" for number in range(2, MOST + 1))]
    folders = [target.with_name(fitting(target.name, name)) for name in names]
    found = {folder: _job_in(folder) for folder in folders}
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
        if not mine:
            write_json(folder / _JOB, wanted)
        yield Parts(folder, suffix, tuple(others))


def kept_frames(folder: Path) -> int:
    """How many frames are in the segments that are whole."""
    known = [(_read(path), path) for path in folder.glob("[0-9]*.json")]
    names = {path.name.partition(".")[0] for path in folder.iterdir() if _is_whole(path)}
    counts = [one.get("frames", 0) for one, path in known if path.stem in names]
    return sum(one for one in counts if type(one) is int)


def _is_whole(path: Path) -> bool:
    """Whether it is a segment; what lies beside it, and what is being written, is none."""
    return path.suffix not in (".json", ".safetensors") and ".new" not in path.name


def remove_parts(parts: Parts) -> None:
    """Removes the folder of a painting that is finished, and what is ours in it."""
    if not parts.folder.is_symlink() and (parts.folder / _JOB).is_file():
        shutil.rmtree(parts.folder, ignore_errors=True)


def _job_in(folder: Path) -> dict[str, Any] | None:
    """Whose folder it is; empty where it is anybody's to take, None where it is another's."""
    if not os.path.lexists(folder):
        return {}
    if folder.is_symlink() or not folder.is_dir():
        return None
    if found := _read(folder / _JOB):
        return found
    # an earlier time of ours was killed before its first line, or somebody has made a folder
    names = [path.name for path in folder.iterdir()]
    return {} if all(name == _LOCK or TEMPORARY.fullmatch(name) for name in names) else None


def _read(path: Path) -> dict[str, Any]:
    """A JSON file of ours; empty where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path, target: Path) -> Iterator[None]:
    lock = FileLock(folder / _LOCK, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            f"{target} is being painted by another process: wait for its end, or give another "
            "--output"
        ) from error
    except (OSError, NotImplementedError) as error:  # a file system without locks
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
    try:
        yield
    finally:
        lock.release()
