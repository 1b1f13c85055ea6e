"""Files that are written whole or not at all."""

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pooch

from fst.errors import InputError
from fst.system.temporaries import temporary_path


def check_writable(folder: Path) -> None:
    """Makes sure that files can be made in ``folder``, by making one.

    Raises:
        InputError: it is no folder, or nothing can be written there.
    """
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except NotADirectoryError as error:
        raise InputError(f"{folder} is not a folder") from error
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror}") from error


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it once the block ended well.

    The file is flushed to the disk before the rename, so that after a crash ``path`` holds the old
    content or the new, never a part of it. Its permissions are those of any new file.
    """
    temporary, mode = _new_file(path.parent)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if stat.S_IMODE(temporary.stat().st_mode) != mode:  # the writer put a file of its own there
            temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _new_file(folder: Path) -> tuple[Path, int]:
    """An empty file of a name that nobody has, and its permissions.

    The kernel takes the umask off them: asking for the umask would mean to change it for a moment,
    in which other threads' files would be open to everybody.
    """
    while True:
        path = temporary_path(folder)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        try:
            return path, stat.S_IMODE(os.fstat(handle).st_mode)
        finally:
            os.close(handle)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def scratch_folder() -> Path:
    """The folder for large temporary files, made if need be.

    It is the one that ``TMPDIR`` names, where the user has set it; else the cache's
    (``~/.cache/fst/scratch``), because ``/tmp`` is memory on many machines, and what is put there
    to save memory would take it; else, where there can be no cache, the system's.
    """
    if os.environ.get("TMPDIR"):
        return Path(tempfile.gettempdir())
    folder = Path(pooch.os_cache("fst")) / "scratch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder)
    except (OSError, InputError):
        return Path(tempfile.gettempdir())
    return folder


def is_in_memory(folder: Path, mounts: Path = Path("/proc/mounts")) -> bool:
    """Whether what is written to a folder stays in memory (a tmpfs), as far as it can be told.

    Args:
        folder: that is there.
        mounts: the list of what is mounted where, which Linux has.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return False
    kinds: dict[Path, str] = {}
    for line in lines:
        _, place, kind, *_ = line.split(" ")
        kinds[Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), place))] = kind
    absolute = folder.resolve()
    nearest = next((kinds[p] for p in (absolute, *absolute.parents) if p in kinds), "")
    return nearest in ("tmpfs", "ramfs")
