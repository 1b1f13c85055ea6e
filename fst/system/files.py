"""Files that are written whole or not at all."""

import errno
import json
import os
import re
import stat
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
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


def check_room(file: Path, size: int = 1 << 20) -> None:
    """Makes sure that so many bytes more can be written to a file, by writing them.

    Raises:
        OSError: why they can't.
    """
    with file.open("ab") as end:
        end.write(bytes(size))
        end.flush()
        os.fsync(end.fileno())


@contextmanager
def atomic_file(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path``, renamed to it once the block ended well.

    The file is flushed to the disk before the rename, so that after a crash ``path`` holds the old
    content or the new, never a part of it. Its permissions are those of any new file.

    Args:
        path: of the file.
        overwrite: what is there is replaced, whatever it is.

    Raises:
        FileExistsError: something is there, and ``overwrite`` is False.
        OSError: the disk is full, and the like; it names ``path``.
    """
    temporary, mode = _new_file(path.parent)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if stat.S_IMODE(temporary.stat().st_mode) != mode:  # the writer put a file of its own there
            temporary.chmod(mode)
        if overwrite:
            temporary.replace(path)
        else:
            _rename_to_new(temporary, path)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)  # what is said to users
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _rename_to_new(temporary: Path, path: Path) -> None:
    """A rename that replaces nothing, not even what somebody puts there at this very moment."""
    try:
        os.link(temporary, path)  # unlike a rename it fails where something is
        return
    except FileExistsError:
        pass
    except (OSError, NotImplementedError, AttributeError):  # no links on this file system
        if not os.path.lexists(path):
            temporary.rename(path)
            return
    raise FileExistsError(errno.EEXIST, "is there already", str(path))


@contextmanager
def utf8_path(path: Path) -> Iterator[Path]:
    """A path of the same file that is UTF-8, for reading with libraries that know no others."""
    try:
        os.fsencode(path).decode("utf-8")
    except UnicodeDecodeError:
        with open(path, "rb") as file:
            yield Path(f"/dev/fd/{file.fileno()}")
    else:
        yield path


def free_path(path: Path) -> Path:
    """``path``, or where something is there ``name-2.suffix``, ``name-3.suffix`` and so on."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def nearest_folder(path: Path) -> Path:
    """The folder in which ``path``, or the first folder above it that is missing, would be made.

    Raises:
        InputError: something other than a folder is in the way.
    """
    for folder in path.parents:
        if folder.is_dir():
            return folder
        if os.path.lexists(folder):
            leads = folder.is_symlink() and not folder.exists()
            raise InputError(
                f"{folder} {'is a link that leads nowhere' if leads else 'is not a folder'}"
            )
    raise InputError(f"there is no folder above {path}")


def identity(path: Path) -> tuple[int, int] | str:
    """Equal for all names of one file: links, hard links, other spellings of its path."""
    try:
        found = path.stat()
    except OSError:
        return os.path.realpath(path)
    return (found.st_dev, found.st_ino) if found.st_ino else os.path.realpath(path)


def ignores_case(folder: Path) -> bool:
    """Whether names that differ in their case alone are one there, as far as it can be told."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if (other := place.name.swapcase()) != place.name:
            try:
                return os.path.samefile(place, place.with_name(other))
            except OSError:
                return False
    return False


def files_below(
    folder: Path, enter: Callable[[str], bool] = lambda name: True
) -> tuple[list[Path], list[OSError]]:
    """Every file below a folder, in no order, and what went wrong with folders.

    Links to folders are followed, but no folder is entered twice: what lies below ``folder`` itself
    keeps its own path, and a link that leads back up leads nowhere.

    Args:
        folder: that is there.
        enter: whether a folder of that name is entered.
    """
    found: list[Path] = []
    failed: list[OSError] = []
    entered: set[Path] = set()
    folders, links = deque([folder]), deque[Path]()
    while folders or links:
        place = folders.popleft() if folders else links.popleft()
        real = Path(os.path.realpath(place))
        if real in entered or (place != folder and _leads_up(place, real, folder)):
            continue
        entered.add(real)
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    path = place / entry.name
                    if not os.path.isdir(path):
                        found.append(path)
                    elif enter(entry.name):
                        (links if entry.is_symlink() else folders).append(path)
        except OSError as error:
            failed.append(error)
    return found, failed


def _leads_up(place: Path, real: Path, top: Path) -> bool:
    """Whether a folder is really one of those above it, or above where the walk began."""
    lower = [Path(os.path.realpath(folder)) for folder in (place.parent, top)]
    return any(real == folder or real in folder.parents for folder in lower)


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
