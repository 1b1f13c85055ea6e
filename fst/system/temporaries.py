"""Temporary files beside those that are being written: their names, and who removes them.

A name is ``.fst.<machine>.<process>.<random>.tmp``. A program that is stopped removes its own. What
a killed one has left is removed by the next program that writes into that folder, once it is sure
that nobody writes there any more: the process of that number, on this machine, is gone. Of files
from elsewhere (another machine or container that shares the folder) it can't be told who is alive;
they are removed when they have lain there for a day.
"""

import hashlib
import os
import platform
import re
import secrets
import shutil
import time
import uuid
from functools import cache
from pathlib import Path

NAME = re.compile(r"\.fst\.(?:([0-9a-f]{8})\.(\d+)\.)?[0-9a-f]{16}\.tmp")
"""Earlier versions had no machine and no process in it."""

DAY = 86_400.0
"""Seconds after which a temporary file from elsewhere is given up; writing one takes minutes."""

_own: set[Path] = set()
_swept: set[Path] = set()


def temporary_path(folder: Path) -> Path:
    """A name in ``folder`` that nobody has; before the first, what killed programs left is removed.

    The file is known from now on, not from when it is there: a program may be stopped in between.
    """
    place = folder.absolute()
    if place not in _swept:
        _swept.add(place)
        remove_abandoned(place)
    if len(_own) >= 100:  # most are renamed by now
        _own.difference_update([path for path in list(_own) if not path.exists()])
    name = f".fst.{_machine()}.{os.getpid()}.{secrets.token_hex(8)}.tmp"
    _own.add(place / name)
    return folder / name


def remove_own() -> None:
    """Removes the temporary files of this program, which is stopped; a fork has none of them."""
    ours = f".fst.{_machine()}.{os.getpid()}."
    for path in [path for path in list(_own) if path.name.startswith(ours)]:
        try:
            _remove(path)
        except OSError:  # the folder is gone, or no longer ours: nothing can be done
            continue


def remove_abandoned(folder: Path) -> None:
    """Removes the temporary files in a folder that nobody writes any more."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        found = NAME.fullmatch(name)
        if found is not None and _is_abandoned(folder / name, found[1], found[2]):
            try:
                _remove(folder / name)
            except OSError:  # another user's
                continue


def _remove(path: Path) -> None:
    """A file, or a folder that was being filled."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_abandoned(path: Path, machine: str | None, process: str | None) -> bool:
    if machine == _machine() and process is not None and os.name == "posix":
        return not _is_alive(int(process))
    try:
        return time.time() - path.stat().st_mtime > DAY
    except OSError:
        return False


def _is_alive(process: int) -> bool:
    """Whether there is a process of that number; one that has taken the number over counts, too."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # there, but another user's
    return True


@cache
def _machine() -> str:
    """The same for all processes that see each other by number, and for no others.

    On Linux that is: since the same start of the same kernel, in the same PID namespace.
    """
    try:
        start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        about = f"{start} {Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        about = f"{platform.node()} {uuid.getnode()}"
    return hashlib.sha256(about.encode()).hexdigest()[:8]


def replace_folder(folder: Path, place: Path) -> None:
    """Gives a folder the name of another one, which goes; where that fails, both are as before.

    Args:
        folder: that is whole, on the same file system.
        place: the name; another folder may have it.

    Raises:
        OSError: it can't be renamed.
    """
    if not place.is_dir():
        folder.rename(place)
        return
    old = temporary_path(place.parent)
    place.rename(old)
    try:
        folder.rename(place)
    except OSError:
        old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)
