"""Painted frames into a folder of numbered pictures, which appears when it is whole."""

import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fst.errors import InputError
from fst.image.io import FORMATS, save_image
from fst.image.record import read_record
from fst.inference.video.frames import Frame, Source
from fst.inference.video.paint import as_picture
from fst.inference.video.series import Naming, is_pattern, read_pattern
from fst.inference.video.stills import read_stills, write_stills
from fst.system.checks import whole_number
from fst.system.files import check_writable, free_path, nearest_folder
from fst.system.temporaries import replace_folder, temporary_path

QUALITY = 95
"""Of JPEGs and WebPs."""

USUAL = Naming("frame_", 6, ".png")
"""What frames are called where the source has no names for them."""


def is_folder_target(target: str | Path) -> bool:
    """Whether frames go to a folder: a folder that is there, a pattern, a name without suffix.

    Args:
        target: as it was given; what ends in a slash is a folder.
    """
    path = Path(target)
    slash = str(target).endswith(("/", os.sep))
    return slash or path.is_dir() or is_pattern(path) or not path.suffix


class FolderSink:
    """A :class:`~fst.inference.video.frames.Sink`: writes numbered pictures.

    They are called as the target's pattern says, else as the source's own, else
    ``frame_000001.png`` and so on. Where the source is a folder, numbers are its own; those of
    pictures that can't be read are missing.

    Args:
        target: a folder, which is new or empty, or a pattern in one.
        source: what is painted.
        quality: of JPEGs and WebPs, 1 to 100.
        record: what a picture says of how it was painted; None is nothing.
        replace: a folder in which there is nothing but painted frames is replaced.

    Raises:
        InputError: another kind of picture, a folder that is not empty or can't be made, a value
            out of range.
    """

    suffix = ""
    transparent = True

    def __init__(
        self,
        target: Path,
        source: Source,
        quality: int = QUALITY,
        record: Mapping[str, Any] | None = None,
        replace: bool = False,
    ) -> None:
        self._quality = whole_number("quality (--quality)", quality, 1, 100)
        self._about, self._record, self._replace = source.about, record, replace
        pattern = is_pattern(target)
        own = self._about.details.get("naming", USUAL) if self._about.kind == "folder" else USUAL
        self.naming: Naming = read_pattern(target) if pattern else _writable(own)
        self._first = int(self._about.details.get("first", 1))
        suffix = Path(self.naming.after).suffix or self.naming.after
        if suffix.lower() not in FORMATS:
            raise InputError(f"can't write {target.name!r}: give one of {', '.join(FORMATS)}")
        check_folder(folder_of(target), replace)

    def write_segment(self, path: Path, frames: Iterable[Frame]) -> None:
        """Writes the frames as pictures into the folder ``path``; takes them one by one.

        Raises:
            InputError: a picture that the format can't hold.
            OSError: the disk is full, and the like.
        """
        write_stills(path, frames, self._name, self._save)

    def join(self, segments: list[Path], target: Path) -> list[str]:
        """Puts the pictures of all segments into one folder, which then gets its name.

        Where somebody else has put something there meanwhile, it gets another, and a line says so.

        Returns:
            Lines to say.

        Raises:
            InputError: a segment is damaged.
            OSError: the disk is full, and the like.
        """
        folder = folder_of(target)
        stills = read_stills(segments)
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_path(folder.parent)
        temporary.mkdir()
        try:
            for still in stills:
                _put(still.file, temporary / still.file.name)
            lines = _rename(temporary, folder, self._replace)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        if self._about.variable:
            lines.append(
                f"{folder}: the source shows its frames for different times, which is lost"
            )
        return lines

    def _name(self, frame: Frame) -> str:
        place = frame.number
        if self._about.kind == "folder":  # what could not be read keeps its number
            place = round(frame.time * self._about.rate)
        return self.naming.name(self._first + place)

    def _save(self, path: Path, frame: Frame) -> None:
        save_image(path, as_picture(frame), self._quality, record=self._record)


def folder_of(target: Path) -> Path:
    """The folder that a target means; a link to one is followed."""
    return Path(os.path.realpath(target.parent if is_pattern(target) else target))


def check_folder(folder: Path, replace: bool = False) -> None:
    """Makes sure that a folder can be made, or is an empty one.

    Args:
        folder: of the frames.
        replace: it may also hold painted frames, and nothing else.

    Raises:
        InputError: it can't, or isn't.
    """
    if folder.is_dir():
        if any(folder.iterdir()) and not (replace and _is_painted(folder)):
            more = "holds more than frames that say how they were painted" if replace else ""
            raise InputError(f"{folder} {more or 'is not empty'}: name a new folder for the frames")
    elif os.path.lexists(folder):
        raise InputError(f"{folder} is not a folder")
    check_writable(nearest_folder(folder))


def _writable(naming: Naming) -> Naming:
    """With a suffix that is written."""
    stem, dot, suffix = naming.after.rpartition(".")
    after = naming.after if f"{dot}{suffix}".lower() in FORMATS else f"{stem}.png"
    return Naming(naming.before, naming.digits, after)


def _put(file: Path, place: Path) -> None:
    """The same file under another name, or where that can't be a copy."""
    try:
        os.link(file, place)
    except (OSError, NotImplementedError):
        shutil.copyfile(file, place)


def _is_painted(folder: Path) -> bool:
    """Whether all that is in a folder says of itself that it is a painted frame."""
    records = (read_record(path) if path.is_file() else None for path in folder.iterdir())
    return all(record is not None and "clip" in record for record in records)


def _rename(temporary: Path, folder: Path, replace: bool) -> list[str]:
    """Gives the folder its name, if nobody has it; what had to be done instead."""
    if replace and folder.is_dir() and _is_painted(folder):
        replace_folder(temporary, folder)
        return []
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    free = free_path(folder)
    temporary.rename(free)
    if free == folder:
        return []
    return [f"{folder} was made by somebody else meanwhile, and left as it is: this is {free}"]
