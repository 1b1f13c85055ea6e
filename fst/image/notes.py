"""What a photo's file notes besides its pixels: the camera's EXIF, and the size in print.

They go with the painted picture. Its orientation is upright there and its size may be another. What
stays behind is the thumbnail, which shows the photo, and the place where it was taken: a painted
picture is shown to others.
"""

import math
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD, Base

from fst.image.picture import _DECODER_ERRORS, Picture

LONGEST = 65_000
"""Bytes of EXIF that a JPEG has room for, and a little less."""

DPI = (10, 65_535)
"""The least that is meant (a TIFF without a unit seems to have 1), and the most that fits."""


def read_notes(image: Image.Image) -> dict[str, Any]:
    """``exif`` and ``dpi`` of a PIL picture, as fields of a :class:`Picture`; None if not there."""
    return {"exif": _exif(image), "dpi": _dpi(image.info.get("dpi"))}


def write_options(picture: Picture, kind: str) -> dict[str, Any]:
    """How PIL is told to write them into a file of that kind."""
    options: dict[str, Any] = {}
    if picture.exif and kind in ("JPEG", "PNG", "WEBP"):
        options["exif"] = picture.exif
    if picture.dpi and kind in ("JPEG", "PNG", "TIFF"):
        options["dpi"] = picture.dpi
    return options


def _exif(image: Image.Image) -> bytes | None:
    if not image.info.get("exif"):  # of a TIFF, its own tags would be mistaken for it
        return None
    try:
        exif = image.getexif()
        exif.pop(Base.Orientation, None)
        exif.pop(IFD.GPSInfo, None)
        details = exif.get_ifd(IFD.Exif)
        for size in (Base.ExifImageWidth, Base.ExifImageHeight):
            details.pop(size, None)
        content = exif.tobytes()
    except (*_DECODER_ERRORS, KeyError, AttributeError):  # as a camera with bad firmware wrote it
        return None
    return content if len(exif) and len(content) <= LONGEST else None


def _dpi(found: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in found)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    good = all(math.isfinite(value) and DPI[0] <= value <= DPI[1] for value in (across, down))
    return (across, down) if good else None
