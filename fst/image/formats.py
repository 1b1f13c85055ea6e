"""Which kinds of picture files are read: one list, wherever a file is opened.

PIL tells a kind by a file's content, and knows many: among them some that run other programs, or
fetch a file's pixels from elsewhere. Only what is listed here gets that far, whatever its name.
"""

import importlib
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError

from fst.assets import HEIF_PACKAGE, has_heif
from fst.errors import InputError

READ = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "AVIF", "PPM")
"""PIL's names of what is read; MPO, with a phone's second picture, is a JPEG to it."""

KINDS = "JPEG, PNG, WebP, TIFF, GIF, BMP, JPEG 2000, AVIF, HEIC or PPM"
"""The same in words, and HEIC, which takes a package of its own."""

_HEIF_BRANDS = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1"),
)
"""What stands behind ``ftyp`` in a HEIC file (ISO/IEC 23008-12, annex B)."""

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_picture(file: str | Path | IO[bytes], name: str) -> Image.Image:
    """The PIL picture in a file, not yet decoded, if it is of a kind that is read.

    Args:
        file: a path or an open binary file.
        name: what to call the picture in messages.

    Raises:
        InputError: empty, or not a picture of these kinds; HEIC without the package for it.
        OSError: the file can't be read.
    """
    try:
        return Image.open(file, formats=READ)
    except UnidentifiedImageError as error:
        start = _start(file)
        if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS:
            return _open_heif(file, name)
        raise InputError(_refusal(start, name)) from error


def _open_heif(file: str | Path | IO[bytes], name: str) -> Image.Image:
    if not has_heif():
        raise InputError(f"{name} is a HEIC picture: pip install {HEIF_PACKAGE} to read it")
    if "HEIF" not in Image.OPEN:  # once, and only where a picture of this kind is met
        importlib.import_module("pillow_heif").register_heif_opener()
    try:
        return Image.open(file, formats=("HEIF",))
    except UnidentifiedImageError as error:
        raise InputError(f"{name} can't be decoded: a damaged HEIC picture") from error


def _refusal(start: bytes, name: str) -> str:
    if not start:
        return f"{name} is empty"
    if start.startswith(_TIFF_STARTS):
        return (
            f"{name} is not a picture of a kind that is read: a damaged TIFF, or one of a rare "
            "layout (colors in floating point, for example); save it with 8 or 16 bits"
        )
    return f"{name} is not a picture of a kind that is read ({KINDS})"


def _start(file: str | Path | IO[bytes]) -> bytes:
    """The first bytes of a file."""
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            return opened.read(16)
    file.seek(0)
    return file.read(16)
