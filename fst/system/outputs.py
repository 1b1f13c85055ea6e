"""Whether results can be written to a place, asked before the work; nothing is made by asking."""

import os
import stat
from pathlib import Path

from fst.errors import InputError
from fst.system.files import check_writable


def is_write_protected(path: Path) -> bool:
    """Whether a file may not be written to: by us, or by anybody, as far as its owner said so.

    The system lets root write to every file, whatever was said.
    """
    return not os.access(path, os.W_OK) or not stat.S_IMODE(path.stat().st_mode) & 0o222


def check_file(option: str, path: Path, overwrite: bool, suffix: str = "") -> None:
    """Makes sure that a file can be written at ``path``, in a folder that is there.

    Args:
        option: that the path was given with, as users write it.
        path: of the file.
        overwrite: it may be there already.
        suffix: that it has to end in; empty allows all.

    Raises:
        InputError: a folder, another suffix, something that is there and may not be replaced, a
            folder that is missing or can't be written to.
    """
    try:
        there = _is_there(path)
        if path.is_dir():
            raise InputError(f"{option} {path} is a folder, expected a file name")
        if path.suffix != suffix and suffix:
            raise InputError(f"{option} {path} must end in {suffix}")
        if there and not path.is_file():
            raise InputError(f"{option} {path} is no file that could be replaced")
        if there and not overwrite:
            raise InputError(f"{option} {path} is there already: --overwrite replaces it")
        if there and not path.is_symlink() and is_write_protected(path):
            raise InputError(f"{option} {path} is write-protected")
    except OSError as error:
        raise InputError(f"can't write {option} {path}: {error.strerror}") from error
    check_writable(path.parent)


def check_folder(option: str, folder: Path) -> None:
    """Makes sure that ``folder`` can be written to, or be made with the folders above it.

    Raises:
        InputError: a file is in the way, a link that leads nowhere, or nothing can be made there.
    """
    there = folder
    try:
        while not _is_there(there):
            there = there.parent
        if there.is_symlink() and not there.exists():
            raise InputError(f"{option} {folder}: {there} is a link that leads nowhere")
        if not there.is_dir():
            what = f"{option} {there}" if there == folder else f"{option} {folder}: {there}"
            raise InputError(f"{what} is a file, expected a folder")
    except OSError as error:
        raise InputError(f"can't write to {option} {folder}: {error.strerror}") from error
    check_writable(there)


def _is_there(path: Path) -> bool:
    """Whether anything has that name, be it a link that leads nowhere; OSError: nothing can."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
