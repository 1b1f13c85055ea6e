"""The photos that are compared, judged or shown: found in folders, by name or one by one; read."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

from fst import assets
from fst.errors import InputError
from fst.evaluation.report_folder import is_of_report
from fst.image.formats import open_picture
from fst.image.io import load_image
from fst.image.picture import MIN_SIDE, Picture, resize


def find_photos(*places: str | Path, limit: int | None = None) -> list[Path]:
    """Photos and those in folders, in that order, each file once.

    Pictures that a comparison has written are no photos, wherever its report lies.

    Args:
        places: photos, folders, or names in the folders of :mod:`fst.assets` (``"eval"``).
        limit: only so many of them.

    Raises:
        AssetError: a place that is not there.
        InputError: none is left.
    """
    found: dict[Path, Path] = {}
    passed_over = 0
    for place in places:
        path = assets.find("photos", str(place))
        listed = assets.list_images(path) if path.is_dir() else [path]
        own = {folder for folder in {photo.parent for photo in listed} if is_of_report(folder)}
        photos = [photo for photo in listed if photo.parent not in own]
        passed_over += len(listed) - len(photos)
        for photo in photos:
            found.setdefault(photo.resolve(), photo)
    if not found:
        named = ", ".join(shown_name(str(place)) for place in places)
        raise InputError(f"{named}: these are the pictures of a report of fst compare, no photos")
    _check_one_is_a_picture(list(found.values()))
    if passed_over:
        print(f"passed over {count(passed_over, 'picture')} of reports of fst compare")
    return list(found.values())[:limit]


def _check_one_is_a_picture(photos: Sequence[Path]) -> None:
    """That at least one file begins as a picture does; what is in it, reading will tell.

    Raises:
        InputError: none does.
    """
    first: str | None = None
    for photo in photos:
        try:
            with open_picture(photo, str(photo)):
                return
        except InputError as problem:
            first = first or str(problem)
        except (OSError, SyntaxError, ValueError) as problem:  # what PIL makes of damage
            first = first or f"{photo} can't be read: {problem}"
    more = "" if len(photos) == 1 else f" (and {count(len(photos) - 1, 'photo')} more)"
    raise InputError(f"{first}{more}")


def read_photo(path: Path, size: int) -> Picture:
    """A photo with its long side at ``size`` pixels.

    Raises:
        InputError: it can't be read, or is too thin at this size; the message names it.
    """
    try:
        picture = resize(load_image(path), size)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    width, height = picture.size
    if min(width, height) < MIN_SIDE:
        raise InputError(
            f"{path} is too thin: {width}x{height} at a size of {size}, "
            f"{MIN_SIDE} pixels is the least"
        )
    return picture


def read_photos(paths: Sequence[Path], size: int) -> list[Tensor]:
    """Those photos that can be read, ``(1, 3, H, W)``, long side ``size``; a line on each other.

    Raises:
        InputError: none can be read.
    """
    photos, problems = [], []
    for path in paths:
        try:
            photos.append(read_photo(path, size).rgb)
        except InputError as error:
            problems.append(error)
    if not photos and len(problems) == 1:
        raise problems[0]
    for said in problems:
        print(f"error: {said}", file=sys.stderr, flush=True)
    if not photos:
        raise InputError(f"none of {count(len(paths), 'photo')} can be read")
    return photos


def count(number: int, thing: str) -> str:
    """``1 photo``, ``2 photos``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def shown_name(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8, and what ends a line, are escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def file_stem(path: Path, longest: int = 150) -> str:
    """A photo's name, without its suffix, for files that are named after it.

    What is no UTF-8 becomes ``_``, and a name is cut off where it would leave no room for more.

    Args:
        path: of the photo.
        longest: in bytes.
    """
    stem = (
        os.fsencode(path.stem).decode("utf-8", "replace").replace("\N{REPLACEMENT CHARACTER}", "_")
    )
    return stem.encode("utf-8")[:longest].decode("utf-8", "ignore")


def left_out_line(left_out: Sequence[Mapping[str, str]], total: int) -> str:
    """What is said at the end of photos, ``name`` and ``reason``, that could not be used."""
    names = ", ".join(photo["name"] for photo in left_out)
    return f"left out {len(left_out)} of {count(total, 'photo')}: {names}"
