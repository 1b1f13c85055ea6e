"""Which kinds of picture files are read: one list, wherever a file is opened.

PIL tells a kind by a file's content, and knows many: among them some that run other programs, or
fetch a file's pixels from elsewhere. Only what is listed here gets that far, whatever its name.
"""

import importlib
import zlib
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from fst.assets import HEIF_PACKAGE, has_heif
from fst.errors import InputError
from fst.image.numbers import ADVICE, BITS_PER_SAMPLE, GRAY_TAGS, PHOTOMETRIC, SAMPLE_FORMAT
from fst.image.picture import _DECODER_ERRORS

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

SAMPLES_PER_PIXEL, PLANAR, SEPARATE = 277, 284, 2
"""Of a TIFF: how many numbers a pixel has, and that each kind lies in a plane of its own."""

_NUMBERS = {1: "whole numbers", 2: "whole numbers with a sign", 3: "floats", 5: "complex numbers"}
_COLORS = {
    **{0: "gray counted from white", 1: "gray", 2: "RGB", 3: "a palette", 5: "CMYK", 6: "YCbCr"},
    **{8: "Lab", 9: "Lab", 10: "Lab", 32803: "a camera's raw", 34892: "a camera's raw"},
}
"""Values of SampleFormat and PhotometricInterpretation in words."""

PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
LARGEST_PROFILE = 16 << 20
"""Bytes of a color profile in a PNG whose texts are too large."""


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
        if start.startswith(_TIFF_STARTS) and (kind := _tiff_kind(file)):
            raise InputError(f"{name} is a TIFF of {kind}, which is not read: {ADVICE}") from error
        raise InputError(_refusal(start, name)) from error


def note_numbers(image: Image.Image, name: str, is_decoded: bool = False) -> dict[int, Any]:
    """What a file says of its numbers, as :data:`~fst.image.numbers.GRAY_TAGS` of a TIFF.

    To be asked before the picture is decoded. A transparent color of a PNG becomes one of the
    numbers that PIL makes of its pixels, which it forgets.

    Args:
        image: opened.
        name: what to call it in messages.
        is_decoded: another program decoded it, so that less can be told.

    Raises:
        InputError: a TIFF of a layout that PIL takes for another, or with parts of it missing.
    """
    if image.format == "TIFF":
        found = getattr(image, "tag_v2", {})
        tags = {tag: found[tag] for tag in GRAY_TAGS if tag in found}
        bits = tags.get(BITS_PER_SAMPLE, (1,))
        if not is_decoded:
            _check_whole(image, name)
        if found.get(PLANAR) == SEPARATE and len(bits) > 1 and max(bits) > 8:
            raise InputError(
                f"{name} is a TIFF of {_in_words(found)}, each color in a plane of its own, which "
                f"is not read: {ADVICE}, the colors side by side"
            )
        return tags
    tiles = getattr(image, "tile", None)
    if image.format != "PNG" or not tiles:
        return {}
    layout, clear = str(tiles[0].args), image.info.get("transparency")
    if isinstance(clear, int) and layout in ("L;2", "L;4"):
        image.info["transparency"] = clear * (85 if layout == "L;2" else 17)
    if isinstance(clear, tuple) and layout == "RGB;16B":
        image.info["transparency"] = tuple(number >> 8 for number in clear)
    return {BITS_PER_SAMPLE: (16,)} if ";16" in layout else {}


def png_bits(layout: str) -> int:
    """Bits of a pixel, by PIL's name of how a PNG's numbers lie: ``RGB;16B`` has 48."""
    channels, _, depth = layout.partition(";")
    bits = int(depth.rstrip("B") or 8) if depth else 8
    return 1 if layout == "1" else bits * {"RGB": 3, "RGBA": 4, "LA": 2}.get(channels, 1)


def _check_whole(image: Image.Image, name: str) -> None:
    """The strips or tiles of a TIFF are all there: PIL leaves black what is not.

    Raises:
        InputError: they aren't.
    """
    tiles, tags = getattr(image, "tile", ()), getattr(image, "tag_v2", {})
    boxes = [tile.extents for tile in tiles if tile.extents is not None]
    there = sum((box[2] - box[0]) * (box[3] - box[1]) for box in boxes)
    if tags.get(PLANAR) == SEPARATE and any(tile.codec_name == "raw" for tile in tiles):
        there //= max(1, int(tags.get(SAMPLES_PER_PIXEL, 1)))
    width, height = image.size
    if there < width * height:
        raise InputError(
            f"{name} can't be decoded: of its {width}x{height} pixels no more than {there} are in "
            "the file"
        )


def without_texts(file: str | Path | IO[bytes]) -> BytesIO:
    """A PNG without its texts, and without a profile of absurd size; the pixels stay as they are.

    Args:
        file: a path or an open binary file.
    """
    if isinstance(file, str | Path):
        content = Path(file).read_bytes()
    else:
        file.seek(0)
        content = file.read()
    kept, place = [content[:8]], 8
    while place < len(content):
        length, kind = int.from_bytes(content[place : place + 4], "big"), content[place + 4 :][:4]
        chunk = content[place : place + length + 12]
        if kind not in PNG_TEXTS and not (kind == b"iCCP" and _is_absurd(chunk)):
            kept.append(chunk)
        place += length + 12
    return BytesIO(b"".join(kept))


def _is_absurd(chunk: bytes) -> bool:
    """Whether a profile (a name, a zero, a method, and what is compressed) is too large."""
    _, _, compressed = chunk[8:-4].partition(b"\0")
    unpacking = zlib.decompressobj()
    try:
        unpacking.decompress(compressed[1:], LARGEST_PROFILE)
    except zlib.error:
        return True
    return bool(unpacking.unconsumed_tail)


def _tiff_kind(file: str | Path | IO[bytes]) -> str:
    """What kind of numbers a TIFF holds, in words; empty where it can't be told."""
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            return _tiff_kind(opened)
    try:
        file.seek(0)
        start = file.read(8)
        large = start[2] == 43 or start[3] == 43  # BigTIFF
        tags = TiffImagePlugin.ImageFileDirectory_v2(start + (file.read(8) if large else b""))
        file.seek(tags.next)
        tags.load(file)
        return _in_words(tags) if tags.get(SAMPLES_PER_PIXEL) or BITS_PER_SAMPLE in tags else ""
    except _DECODER_ERRORS:  # too damaged to tell
        return ""


def _in_words(tags: Any) -> str:
    """``3 x 32 bits (RGB, floats)``."""
    bits = tags.get(BITS_PER_SAMPLE, (1,))
    (numbers, *_) = tags.get(SAMPLE_FORMAT, (1,))
    colors = _COLORS.get(tags.get(PHOTOMETRIC), "unknown colors")
    count = int(tags.get(SAMPLES_PER_PIXEL, len(bits)))
    return f"{count} x {bits[0]} bits ({colors}, {_NUMBERS.get(numbers, 'unknown numbers')})"


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
            f"layout (colors in floating point, for example); {ADVICE}"
        )
    kind = "a table: fst stylize --engine ray paints its photos" if start[:4] == b"PAR1" else KINDS
    return f"{name} is not a picture of a kind that is read ({kind})"


def _start(file: str | Path | IO[bytes]) -> bytes:
    """The first bytes of a file."""
    if isinstance(file, str | Path):
        with open(file, "rb") as opened:
            return opened.read(16)
    file.seek(0)
    return file.read(16)
