"""From a file to a decoded PIL picture: what goes wrong on the way is one line.

PIL decodes what it is given; here stands what it leaves open. Which files, of what size, which of
several pictures, and what its own limits and warnings are worth.
"""

import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from PIL import Image, PngImagePlugin

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image.formats import note_numbers, open_picture, png_bits, without_texts
from fst.image.pages import pick_page
from fst.image.picture import _DECODER_ERRORS, reason, upright
from fst.image.png_rows import check_rows

_PIL_LOCK = threading.Lock()
_PIL_USERS: list[tuple[int | None, int]] = []
"""PIL's own limits of pixels and of text, once for each picture that is being decoded."""
_PIL_WARNINGS = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


THIN = 64
"""Pixels of a side from which a pass makes a picture no wider."""

WEBP_SIDE = 16_383
"""The most pixels on a side of a WebP."""

JPEG_PIXELS = 512
"""The most pixels of a JPEG in a byte: a block of 8 x 8 takes a bit at least in Huffman's code."""

_ARITHMETIC = (0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)
"""Markers of a JPEG with arithmetic code, in which many blocks share a bit (ITU-T T.81, B.1.1)."""

DEFLATED = 1032
"""The most bytes of a PNG's rows in a byte of its file (zlib's own limit)."""


@contextmanager
def decoded(
    file: str | Path | IO[bytes],
    max_pixels: int,
    min_side: int,
    name: str | None,
    draft: int | None = None,
) -> Iterator[tuple[Image.Image, dict[int, Any], str]]:
    """The picture in a file, decoded and upright, what is noted of its numbers, and its name.

    Args:
        file: a path or an open binary file.
        max_pixels: refuse more than this, before decoding.
        min_side: refuse a side shorter than this, in pixels.
        name: what to call the picture in messages; None takes the file's.
        draft: decode a JPEG at 1/2, 1/4 or 1/8 of its size if no side gets shorter than this.

    Raises:
        InputError: whatever goes wrong with it.
    """
    if name is None:
        name = str(
            file if isinstance(file, str | Path) else getattr(file, "name", "the given file")
        )
    try:
        _check_file(file, name)
        with calm_pil(), _loaded(file, max_pixels, min_side, name, draft) as (image, tags):
            yield upright(image), tags, name
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(f"{name} can't be decoded: there is too little memory for it") from error
    except _DECODER_ERRORS as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk's
            raise InputError(f"{name} can't be read: {error.strerror}") from error
        raise InputError(f"{name} can't be decoded: {reason(error)}") from error


def opened(image: Image.Image, name: str) -> tuple[Image.Image, dict[int, Any]]:
    """A picture that another program opened through PIL: upright, and what is noted of its numbers.

    It is decoded if it was not; else it stays as it is. Decoded pictures tell less.

    Args:
        image: of a file, or made otherwise.
        name: what to call it in messages.

    Raises:
        InputError: a TIFF of a layout that PIL takes for another, or with parts of it missing.
        OSError: it can't be decoded, as are the others of what decoders raise.
    """
    is_decoded = not getattr(image, "tile", None)
    file = getattr(image, "filename", "")
    tags = note_numbers(image, name, is_decoded)
    if is_decoded:
        return upright(image), tags
    if image.format == "TIFF":  # for the reason that pick_page has
        image.filename = ""  # type: ignore[attr-defined]
    try:
        image.load()  # now, because PIL turns a TIFF as it decodes it: it would be turned twice
    finally:
        if image.format == "TIFF":
            image.filename = file  # type: ignore[attr-defined]
    return upright(image), tags


def _check_file(file: str | Path | IO[bytes], name: str) -> None:
    """A path is that of a file: a pipe would be waited for, without end where nobody writes."""
    if not isinstance(file, str | Path) or os.path.isfile(file):
        return
    if os.path.isdir(file):
        raise InputError(f"{name} is a folder, expected a picture")
    if os.path.exists(file):
        raise InputError(f"{name} is no file, but a pipe or a device: give a picture's file")
    raise InputError(f"{name}: no such file")


@contextmanager
def _loaded(
    file: str | Path | IO[bytes], max_pixels: int, min_side: int, name: str, draft: int | None
) -> Iterator[tuple[Image.Image, dict[int, Any]]]:
    """The decoded picture, as it lies in the file; closed afterwards."""
    with ExitStack() as stack:
        try:
            image = stack.enter_context(open_picture(file, name))
            tags = _load(image, max_pixels, min_side, name, draft)
        except ValueError as error:
            if isinstance(error, InputError) or "MAX_TEXT" not in str(error):
                raise
            # its texts alone are too large for memory, and nobody asked for them
            image = stack.enter_context(open_picture(without_texts(file), name))
            tags = _load(image, max_pixels, min_side, name, draft)
        if image.format == "PNG":
            check_rows(file, name)
        yield image, tags


def _load(
    image: Image.Image, max_pixels: int, min_side: int, name: str, draft: int | None
) -> dict[int, Any]:
    """Decodes the picture that is meant, if its size is allowed; what is noted of its numbers."""
    pick_page(image, name)
    width, height = image.size
    if width * height > max_pixels:
        raise InputError(
            f"{name}: {width}x{height} is {width * height / 1e6:.0f} megapixels, over the "
            f"limit of {max_pixels / 1e6:.0f}; raise it with max_pixels (--max-pixels)"
        )
    if pixels_of(width, height) > (most := max(max_pixels, MAX_PIXELS)):
        raise InputError(
            f"{name}: {width}x{height} is so thin that a pass takes as much as for a short side of "
            f"{THIN}, over the limit of {most / 1e6:.0f} megapixels; raise it with max_pixels "
            "(--max-pixels)"
        )
    if min(width, height) < min_side:
        raise InputError(f"{name}: {width}x{height} is too small, {min_side} is the least")
    _check_room(image, name)
    if draft is not None:
        image.draft(None, (draft, draft))  # does nothing for other formats
    tags = note_numbers(image, name)
    image.load()  # here, because asking a PNG for its EXIF would decode it, too
    return tags


def pixels_of(width: int, height: int) -> int:
    """The pixels of a picture as a pass counts them: it makes a thin one wider."""
    return max(width, THIN) * max(height, THIN)


def _check_room(image: Image.Image, name: str) -> None:
    """The file is large enough for that many pixels: PIL fills what is missing with gray or black.

    A damaged size would take memory for all of them. Files of other kinds are refused while they
    are decoded.
    """
    width, height = image.size
    file = getattr(image, "fp", None)
    if image.format == "WEBP" and max(width, height) > WEBP_SIDE:
        raise InputError(f"{name} can't be decoded: no WebP is as large as {width}x{height}")
    if file is None or image.format not in ("JPEG", "MPO", "PNG"):
        return
    place = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(place)
    if image.format == "PNG":
        (tile, *_) = getattr(image, "tile", None) or [None]
        room = size * DEFLATED * 8 // (1 if tile is None else png_bits(str(tile.args)))
    else:
        room = size * JPEG_PIXELS
    if width * height > room and not (image.format != "PNG" and _is_arithmetic(file)):
        raise InputError(
            f"{name} can't be decoded: its {size} bytes have no room for {width}x{height} pixels"
        )


def _is_arithmetic(file: IO[bytes]) -> bool:
    """Whether a JPEG's first frame is of arithmetic code."""
    place = file.tell()
    try:
        file.seek(2)
        while True:
            start, kind, length = file.read(1), file.read(1), file.read(2)
            if start != b"\xff" or len(length) < 2:
                return False
            if 0xC0 <= kind[0] <= 0xCF and kind[0] not in (0xC4, 0xC8, 0xCC):  # a frame
                return kind[0] in _ARITHMETIC
            file.seek(int.from_bytes(length, "big") - 2, os.SEEK_CUR)
    finally:
        file.seek(place)


@contextmanager
def calm_pil() -> Iterator[None]:
    """Lifts PIL's own pixel limit (ours takes its place) and silences what it warns of.

    A PNG's single text or profile may be as large as PIL lets all of them be together: programs
    keep a whole project in one. Larger ones are left out. What PIL warns of (odd EXIF, too many
    values for a tag) a user can't mend, and with warnings as errors it would be an exception. All
    of this is global: the first of several threads changes it, the last one puts it back.
    """
    with _PIL_LOCK:
        own = (Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK)
        _PIL_USERS.append(_PIL_USERS[0] if _PIL_USERS else own)
        Image.MAX_IMAGE_PIXELS = None
        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
        if _PIL_WARNINGS not in (filters := _filters()):
            filters.insert(0, _PIL_WARNINGS)
    try:
        yield
    finally:
        with _PIL_LOCK:
            limits = _PIL_USERS.pop()
            if not _PIL_USERS:
                Image.MAX_IMAGE_PIXELS, PngImagePlugin.MAX_TEXT_CHUNK = limits
                with suppress(ValueError):  # another's catch_warnings() may have removed it
                    _filters().remove(_PIL_WARNINGS)


def _filters() -> list[Any]:
    return warnings.filters  # type: ignore[return-value]  # a list, for all that typeshed says
