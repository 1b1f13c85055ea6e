"""Files and PIL pictures to tensors and back: the only place that decodes, resizes or quantizes.

Inside the project a picture is float32 RGB in [0, 1], ``(N, 3, H, W)``. What a file carries besides
(alpha, an ICC profile) travels along in a :class:`Picture`.
"""

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image.decoding import decoded
from fst.image.exif import add_to_tiff
from fst.image.notes import read_notes, write_options
from fst.image.picture import MIN_SIDE, Picture, from_pil, to_pil
from fst.system.files import atomic_file, check_room, check_writable

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""What can be written: suffix -> PIL's name."""

SMALL = 20_000_000
"""Pixels of a picture whose file there is memory for."""


def load_image(
    file: str | Path | IO[bytes],
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
    name: str | None = None,
) -> Picture:
    """Reads a picture of one of the kinds in :data:`~fst.image.formats.READ`, or HEIC, upright.

    Of several pictures it is the one that :func:`~fst.image.pages.pick_page` picks, with a warning.
    EXIF orientation is applied. Grayscale (:mod:`fst.image.numbers`), palette and CMYK (through its
    own profile where it has one) become RGB. Colors that are hidden under transparency are replaced
    (:mod:`fst.image.transparency`). Alpha, an RGB profile, EXIF and the size in print are kept.

    Args:
        file: a path or an open binary file.
        max_pixels: refuse more than this, before decoding.
        min_side: refuse a side shorter than this, in pixels.
        name: what to call the picture in messages; None takes the file's.

    Raises:
        InputError: not there, empty, damaged, of another kind, too small or too large.
    """
    with decoded(file, max_pixels, min_side, name) as (image, tags, name):
        return replace(from_pil(image, tags, name), **read_notes(image))


def load_pixels(
    file: str | Path | IO[bytes], name: str | None = None, draft: int | None = None
) -> Tensor:
    """Reads a picture of at least one pixel as ``(3, H, W)`` uint8; see :func:`load_image`.

    Args:
        file: a path or an open binary file.
        name: what to call the picture in messages; None takes the file's.
        draft: decode a JPEG at 1/2, 1/4 or 1/8 of its size if no side gets shorter than this.

    Raises:
        InputError: as :func:`load_image`.
    """
    with decoded(file, MAX_PIXELS, 1, name, draft) as (image, tags, name):
        if image.mode != "RGB" or image.has_transparency_data:
            return from_pil(image, tags, name).rgb[0].mul(255).round().byte()
        # NumPy, because torch would split this little over threads, in each of ours
        return torch.from_numpy(np.asarray(image).transpose(2, 0, 1).copy())


def save_image(
    path: str | Path,
    picture: Picture | Tensor,
    quality: int = 95,
    overwrite: bool = True,
    record: Mapping[str, Any] | None = None,
    keep_location: bool = False,
) -> None:
    """Writes a picture, whole or not at all; the suffix chooses the format.

    JPEG has no alpha: there a transparent picture is laid on white.

    Args:
        path: ends in one of :data:`FORMATS`; its folder exists.
        picture: a :class:`Picture`, or ``(1, 3, H, W)`` in [0, 1].
        quality: of JPEG and WebP, 1 to 100.
        overwrite: replace what is there.
        record: what the file says of how it was painted (:mod:`fst.image.record`); None is nothing.
        keep_location: tell where the photo was taken, if it does.

    Raises:
        InputError: another suffix, or a path that can't be written.
        FileExistsError: something is there, and ``overwrite`` is False.
    """
    path = check_output(path)
    kind = FORMATS[path.suffix.lower()]
    image, options = _to_write(picture, kind, quality, record, keep_location)
    tags = options.pop("exif", None) if kind == "TIFF" else None
    with atomic_file(path, overwrite) as temporary:
        try:
            if kind == "TIFF" and image.width * image.height <= SMALL:
                # libtiff says on stderr what goes wrong with a file, and not why
                image.save(memory := BytesIO(), format=kind, **options)
                temporary.write_bytes(memory.getbuffer())
            else:
                image.save(temporary, format=kind, **options)
            if tags is not None:
                add_to_tiff(temporary, tags)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's
            check_room(temporary)  # which may be why
            raise InputError(f"{path}: {kind} can't hold this picture: {error}") from error


def encode_image(
    picture: Picture | Tensor, kind: str, quality: int = 95, keep_location: bool = False
) -> bytes:
    """The bytes of the file that :func:`save_image` writes, without a record.

    Args:
        picture: as for :func:`save_image`, and so are the others.
        kind: ``"JPEG"``, ``"PNG"`` or ``"WEBP"``.
        quality: of JPEG and WebP.
        keep_location: tell where the photo was taken.

    Raises:
        InputError: the format can't hold the picture.
    """
    image, options = _to_write(picture, kind, quality, None, keep_location)
    try:
        image.save(memory := BytesIO(), format=kind, **options)
    except (OSError, ValueError) as error:
        raise InputError(f"{kind} can't hold this picture: {error}") from error
    return memory.getvalue()


def _to_write(
    picture: Picture | Tensor,
    kind: str,
    quality: int,
    record: Mapping[str, Any] | None,
    keep_location: bool,
) -> tuple[Image.Image, dict[str, Any]]:
    """What PIL is to write in a format, and how."""
    picture = picture if isinstance(picture, Picture) else Picture(picture)
    rgb, alpha = picture.rgb, picture.alpha
    if alpha is not None and kind == "JPEG":
        alpha = alpha.to(rgb.device)
        rgb, alpha = rgb * alpha + (1 - alpha), None
    options = write_options(picture, kind, record, keep_location)
    if kind in ("JPEG", "WEBP"):
        options["quality"] = quality
    if kind == "TIFF":
        options["compression"] = "tiff_lzw"
    if picture.icc_profile:
        options["icc_profile"] = picture.icc_profile
    image = to_pil(rgb if alpha is None else torch.cat([rgb, alpha.to(rgb.device)], 1))
    return image, options


def check_output(path: str | Path) -> Path:
    """``path``, once it is known that a picture can be written there; to be asked before the work.

    Raises:
        InputError: a folder, an unknown suffix, a folder that is missing or not writable.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a file name")
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"can't write {path.name!r}: give one of {', '.join(FORMATS)}")
    check_writable(path.parent)
    return path
