"""Which of several pictures in one file is the picture: animations, pages, thumbnails."""

import warnings
from dataclasses import dataclass
from typing import Any

from PIL import Image

from fst.errors import FstWarning, InputError
from fst.image.picture import _DECODER_ERRORS, reason

MOST = 1000
"""Pages that are looked at."""

WIDTH, HEIGHT, SUBFILE_TYPE, OLD_SUBFILE_TYPE, SUB_IFDS = 256, 257, 254, 255, 330
"""Tags of a TIFF (TIFF 6.0, section 8, and its technical note 1)."""

REDUCED, TRANSPARENCY_MASK = 1, 4
"""Bits of NewSubfileType."""

RAW = 50706
"""DNGVersion: a camera's raw file."""

_WHOLE = dict.fromkeys(("GIF", "WEBP", "PNG"), "; fst video paints all of an animation")
"""Format -> what is added to the warning."""

_SAID: set[str] = set()
"""Files of several pictures that were warned of."""


@dataclass(frozen=True)
class _Page:
    """A picture in a TIFF: its place, its size, and whether it is but a help for another."""

    number: int
    width: int
    height: int
    small: bool
    """A reduced copy of another page, or a mask."""
    problem: str | None
    """Why it can't be read."""


def pick_page(image: Image.Image, name: str) -> None:
    """Goes to the picture that is meant, and warns, once for each file, if there are others.

    Of an animation it is the first (of a HEIC, the one that it names), of the pages of a TIFF the
    largest that is no reduced copy of another.

    Args:
        image: opened, not decoded.
        name: what to call the file in messages.

    Raises:
        InputError: there is no more than a reduced copy, or the right page can't be read.
    """
    if image.format == "TIFF":
        # PIL maps a gray one that has a name into memory, and garbles it where it has to turn it
        image.filename = ""  # type: ignore[attr-defined]  # of files alone
        _pick_tiff_page(image, name)
    elif image.format != "MPO":  # a phone's photo: what follows is its depth or its brightness
        try:
            count = getattr(image, "n_frames", 1) if getattr(image, "is_animated", False) else 1
        except _DECODER_ERRORS:  # behind the first picture
            count = 1
        if count > 1:
            _say(name, f"{count} pictures", image.tell(), "", _WHOLE.get(image.format or "", ""))


def _pick_tiff_page(image: Image.Image, name: str) -> None:
    pages = _pages(image)
    whole = [page for page in pages if not page.small]
    tags = getattr(image, "tag_v2", {})
    if RAW in tags or (not whole and SUB_IFDS in tags):
        raise InputError(
            f"{name} is a camera's raw file, of which only the preview could be read: develop it "
            "to a JPEG, PNG or TIFF"
        )
    best = max(whole or pages, key=lambda page: (page.width * page.height, -page.number))
    if best.problem is not None:
        raise InputError(
            f"{name}: its largest picture, the {_nth(best.number)} of {len(pages)} "
            f"({best.width}x{best.height}), can't be read: {best.problem}"
        )
    image.seek(best.number)
    if len(whole) > 1 or best.number > 0:
        largest = ", the largest," if best.number else ""
        count = f"{len(pages)}{' or more' if len(pages) == MOST else ''}"
        _say(name, f"{count} pictures", best.number, f" ({best.width}x{best.height}){largest}")
    elif best.small:
        _say_once(name, f"{name} calls itself a reduced copy of another picture")


def _pages(image: Image.Image) -> list[_Page]:
    pages: list[_Page] = []
    for number in range(MOST):
        problem = None
        try:
            image.seek(number)
        except EOFError:
            break
        except _DECODER_ERRORS as error:
            problem = reason(error)
        tags: Any = getattr(image, "tag_v2", {})
        try:
            size = int(tags[WIDTH]), int(tags[HEIGHT])
            kind, old = int(tags.get(SUBFILE_TYPE, 0)), int(tags.get(OLD_SUBFILE_TYPE, 1))
        except _DECODER_ERRORS:
            if number == 0:
                raise
            break  # what is left of a file that was cut off
        small = bool(kind & (REDUCED | TRANSPARENCY_MASK)) or old == 2
        pages.append(_Page(number, *size, small, problem))
    return pages


def _nth(number: int) -> str:
    return ("first", "second", "third")[number] if number < 3 else f"{number + 1}th"


def _say(name: str, count: str, number: int, more: str, behind: str = "") -> None:
    _say_once(name, f"{name} holds {count}: the {_nth(number)}{more} is taken{behind}")


def _say_once(name: str, message: str) -> None:
    if name not in _SAID:
        _SAID.add(name)
        warnings.warn(message, FstWarning, stacklevel=8)
