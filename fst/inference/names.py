"""What results are called."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fst.errors import InputError
from fst.image.io import FORMATS
from fst.inference.photos import Photo

LONGEST = 255
"""Bytes of a file's name that file systems allow."""

LONGEST_STYLE = 180
"""Bytes of the style's name in that of a result."""


def destination(output: str | Path | None, single: bool) -> tuple[Path | None, Path | None]:
    """The file to write, or else the folder; neither is beside the photo.

    Args:
        output: as it was given: what ends in a slash is a folder.
        single: there is one photo.

    Raises:
        InputError: several photos and no folder; a file of a kind that is not written, or of a name
            that none can have.
    """
    if output is None:
        if single:
            return None, None
        raise InputError("name a folder for the results of a folder or of several photos: --output")
    path = Path(output)
    slash = str(output).endswith(("/", os.sep))
    try:
        there = path.is_dir()
    except OSError as error:  # no file can have that name
        raise InputError(f"can't write {path}: {error.strerror}") from error
    if slash or there or not (path.suffix if single else path.suffix.lower() in FORMATS):
        return None, path
    if not single:
        raise InputError(f"{path} can't hold several pictures: name a folder")
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"can't write {path.name!r}: give one of {', '.join(FORMATS)}")
    return path, None


def named(
    photos: Sequence[Photo], style: str, file: Path | None, folder: Path | None
) -> dict[Photo, Path]:
    """Of every photo, where its result goes.

    Results are called ``<photo>-<style>.<suffix>``. A kind of picture that is not written becomes a
    PNG: ``a.gif`` is painted as ``a-monet.png``, and as ``a.gif-monet.png`` where another photo is
    ``a.png``. What would be too long is cut off (:func:`fitting`).

    Args:
        photos: all of a command.
        style: the style's name, which may come from a file of somebody else.
        file: the one result, if it was named.
        folder: of the results; None is beside the photo.
    """
    style = fitting(re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "_", style), longest=LONGEST_STYLE)
    if file is not None:
        return {photo: file for photo in photos}
    plain = {
        photo: (photo.name if folder else photo.path).with_name(
            fitting(photo.path.stem, f"-{style}{_suffix(photo.path)}")
        )
        for photo in photos
    }
    count = Counter(plain.values())
    names = {}
    for photo, name in plain.items():
        if count[name] > 1 and photo.path.suffix.lower() not in FORMATS:
            name = name.with_name(fitting(photo.path.name, f"-{style}.png"))
        names[photo] = folder / name if folder else name
    return names


def fitting(name: str, ending: str = "", longest: int = LONGEST) -> str:
    """A file's name of at most so many bytes, the same for the same name.

    One that is too long is cut off, and a checksum tells it from others that begin alike.

    Args:
        name: what is cut off.
        ending: what is not.
        longest: in bytes.
    """
    whole, end = os.fsencode(name), os.fsencode(ending)
    if len(whole) + len(end) <= longest:
        return name + ending
    told = f"~{hashlib.sha256(whole).hexdigest()[:8]}"
    room = max(1, longest - len(end) - len(told))
    # letters are cut off as a whole; bytes that are no letters (surrogates) count as one each
    kept = name[:room]
    while len(os.fsencode(kept)) > room:
        kept = kept[:-1]
    return f"{kept}{told}{ending}"


def _suffix(photo: Path) -> str:
    return photo.suffix if photo.suffix.lower() in FORMATS else ".png"
