"""Pictures in and out: checked before they are decoded, and written with nothing to give away."""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from fst.errors import InputError
from fst.image.decoding import THIN, calm_pil, decoded, pixels_of
from fst.image.exif import add_to_tiff
from fst.image.formats import open_picture
from fst.image.limits import LARGEST
from fst.image.notes import read_notes, write_options
from fst.image.pages import pick_page
from fst.image.picture import _DECODER_ERRORS, Picture, from_pil, to_pil
from fst.image.profiles import of_rgb
from fst.interfaces.http.errors import Refused
from fst.interfaces.http.uploads import Upload

TAKEN = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF")
"""PIL's names of the formats that are decoded."""

TAKEN_WORDS = "JPEG, PNG, WebP, TIFF, GIF, BMP, AVIF or HEIC"

WRITTEN = {
    "png": ("PNG", "image/png", "png"),
    "jpeg": ("JPEG", "image/jpeg", "jpg"),
    "webp": ("WEBP", "image/webp", "webp"),
    "tiff": ("TIFF", "image/tiff", "tif"),
}
"""What a result may be: its name -> PIL's name, media type, suffix."""


@dataclass(frozen=True)
class Photo:
    """A picture that was read: RGB or RGBA, upright, with its profile and nothing else in ``info``.

    ``notes`` is what its file notes besides: ``exif``, ``location`` and ``dpi`` of a
    :class:`~fst.image.picture.Picture`.
    """

    image: Image.Image
    notes: dict[str, Any] = field(default_factory=dict)


def check_picture(upload: Upload, what: str, max_pixels: int) -> tuple[int, int]:
    """The size of an uploaded picture, in pixels, once it is known that it may be decoded.

    Nothing is decoded for that: what its header says is enough.

    Args:
        upload: the file.
        what: to call it in messages, ``"the photo"``.
        max_pixels: the most that are taken.

    Raises:
        Refused: 415, it is of no format that is taken; 413, it has too many pixels; 400, it is
            damaged.
    """
    upload.file.seek(0)
    if not upload.size:
        raise Refused(415, f"{what} is empty")
    try:
        with calm_pil(), open_picture(upload.file, what) as image:
            if image.format not in TAKEN:
                raise Refused(415, f"{what} is of a format that is not taken: {TAKEN_WORDS} are")
            pick_page(image, what)
            width, height = image.size
    except InputError as error:
        raise Refused(415, _plain(error)) from error
    except (*_DECODER_ERRORS, MemoryError) as error:
        raise Refused(400, f"{what} is damaged") from error
    finally:
        with suppress(ValueError):  # PIL may have closed it
            upload.file.seek(0)
    if pixels_of(width, height) > max_pixels:
        thin = f", as many as if each side had {THIN}" if min(width, height) < THIN else ""
        raise Refused(
            413,
            f"{what} has {width}x{height} pixels{thin}, and {max_pixels / 1e6:g} million are the "
            "most",
        )
    return width, height


def read_picture(upload: Upload, what: str, max_pixels: int, at_most: int | None = None) -> Photo:
    """An uploaded picture, decoded.

    Args:
        upload: the file, that was checked.
        what: to call it in messages.
        max_pixels: the most that are taken.
        at_most: its long side in pixels: a larger one is shrunk, and a JPEG is not even decoded at
            its full size.

    Raises:
        InputError: it is damaged.
    """
    upload.file.seek(0)
    with decoded(upload.file, max_pixels, 1, what, at_most) as (image, tags, name):
        notes = read_notes(image)
        if image.mode == "RGB" and not image.has_transparency_data:
            plain, profile = image.copy(), of_rgb(image.info.get("icc_profile"))
        else:
            picture = from_pil(image, tags, name)
            channels = [picture.rgb] if picture.alpha is None else [picture.rgb, picture.alpha]
            plain, profile = to_pil(torch.cat(channels, 1)), picture.icc_profile
    if at_most is not None and max(plain.size) > at_most:
        plain = plain.resize(fitting(plain.size, at_most), Image.Resampling.BICUBIC)
    plain.info = {"icc_profile": profile} if profile else {}
    return Photo(plain, notes)


def fitting(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """Width and height in the same proportions, with a given long side."""
    scale = long_side / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def check_writable(size: tuple[int, int], kind: str) -> None:
    """That a format can hold a picture of this size; to be asked before the work.

    Raises:
        InputError: it can't.
    """
    name = WRITTEN[kind][0]
    if max(size) > LARGEST.get(name, 2**31 - 1):
        raise InputError(
            f"{size[0]}x{size[1]} is too large for {name}, which ends at {LARGEST[name]} pixels a "
            "side: take another format, or a smaller size"
        )


def write_picture(
    image: Image.Image,
    kind: str,
    quality: int,
    notes: dict[str, Any] | None = None,
    folder: Path | None = None,
) -> bytes:
    """A picture as a file: its pixels, its color profile, and the notes that are given.

    Args:
        image: RGB or RGBA. JPEG has no alpha: there it is laid on white.
        kind: of :data:`WRITTEN`.
        quality: of JPEG and WebP, 1 to 100.
        notes: of a :class:`Photo`; None writes none.
        folder: for a temporary file; None is the system's.
    """
    name, _, _ = WRITTEN[kind]
    if name == "JPEG" and image.mode == "RGBA":
        white = Image.new("RGBA", image.size, "white")
        flat = Image.alpha_composite(white, image).convert("RGB")
        flat.info = image.info
        image = flat
    options: dict[str, Any] = {}
    if notes:
        empty = Picture(torch.empty(1, 3, 0, 0), **notes)
        options = write_options(empty, name, keep_location=True)
    tags = options.pop("exif", None) if name == "TIFF" else None
    if name in ("JPEG", "WEBP"):
        options["quality"] = quality
    elif name == "PNG":
        options["compress_level"] = 1  # a third larger than usual, and many times as quick
    else:
        options["compression"] = "tiff_lzw"
    if profile := image.info.get("icc_profile"):
        options["icc_profile"] = profile
    image.save(memory := BytesIO(), format=name, **options)
    return memory.getvalue() if tags is None else _with_tags(memory.getvalue(), tags, folder)


def _with_tags(content: bytes, tags: bytes, folder: Path | None) -> bytes:
    """A TIFF with EXIF, which PIL would lose half of."""
    with tempfile.TemporaryDirectory(dir=folder) as inside:
        path = Path(inside, "picture.tif")
        path.write_bytes(content)
        add_to_tiff(path, tags)
        return path.read_bytes()


def _plain(error: InputError) -> str:
    """A decoder's refusal in the service's own words, where it names formats that are not taken."""
    said = str(error)
    if "of a kind that is read" in said:
        return f"{said.partition(' is not a picture')[0]} is no picture that is taken: " + (
            f"{TAKEN_WORDS} are"
        )
    if "is a HEIC picture" in said:
        return f"{said.partition(': pip install')[0]}, which this service can't read: send a JPEG"
    return said
