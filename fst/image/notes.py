"""What a photo's file notes besides its pixels: the camera's EXIF, and the size in print.

They go with the painted picture, which is shown to others. So what goes is listed here, tag by tag:
what the camera was and how it was set, when the photo was taken, what it is called and whose it is.
All else stays behind: the thumbnail, which shows the photo; the maker's own notes, serial numbers
and names of owners and devices; comments, keywords, XMP and IPTC, in which other programs write
places and people. The place where the photo was taken goes only where that is asked for. A painted
picture is upright, and its size may be another, so orientation and size don't go either.
"""

import math
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from fst.image.exif import DAMAGE, dump_exif, load_exif, sound
from fst.image.picture import Picture
from fst.image.record import png_text, program, xmp_packet

LONGEST, LONGEST_PLACE = 40_000, 20_000
"""Bytes of EXIF, and of its part on the place: together with ours a JPEG has room for them."""

DPI = (10, 65_535)
"""The least that is meant (a TIFF without a unit seems to have 1), and the most that fits."""

PICTURE_TAGS = (
    *(Base.ImageDescription, Base.Make, Base.Model, Base.Software, Base.DateTime, Base.Artist),
    Base.Copyright,
)
"""EXIF 3.0, section 4.6.5: of the photo."""

CAMERA_TAGS = (
    *(Base.ExposureTime, Base.FNumber, Base.ExposureProgram, Base.ISOSpeedRatings),
    *(Base.SensitivityType, Base.StandardOutputSensitivity, Base.RecommendedExposureIndex),
    *(Base.ISOSpeed, Base.ExifVersion, Base.DateTimeOriginal, Base.DateTimeDigitized),
    *(Base.OffsetTime, Base.OffsetTimeOriginal, Base.OffsetTimeDigitized, Base.SubsecTime),
    *(Base.SubsecTimeOriginal, Base.SubsecTimeDigitized, Base.ShutterSpeedValue),
    *(Base.ApertureValue, Base.BrightnessValue, Base.ExposureBiasValue, Base.MaxApertureValue),
    *(Base.SubjectDistance, Base.MeteringMode, Base.LightSource, Base.Flash, Base.FocalLength),
    *(Base.FlashPixVersion, Base.ColorSpace, Base.FlashEnergy, Base.ExposureIndex),
    *(Base.SensingMethod, Base.FileSource, Base.SceneType, Base.CustomRendered),
    *(Base.ExposureMode, Base.WhiteBalance, Base.DigitalZoomRatio, Base.FocalLengthIn35mmFilm),
    *(Base.SceneCaptureType, Base.GainControl, Base.Contrast, Base.Saturation, Base.Sharpness),
    *(Base.SubjectDistanceRange, Base.LensSpecification, Base.LensMake, Base.LensModel),
    *(Base.CompositeImage, Base.Gamma),
)
"""Section 4.6.6: of how it was taken."""

_INCH, _CENTIMETER = 2, 3
_LYING = (5, 6, 7, 8)
"""Orientations in which across is down."""


def read_notes(image: Image.Image) -> dict[str, Any]:
    """Fields of a :class:`Picture`: ``exif``, ``location`` and ``dpi`` of a PIL picture.

    Args:
        image: decoded; or turned upright, with the ``info`` of the file.

    Returns:
        None for each that isn't there, or is damaged.
    """
    notes: dict[str, Any] = {"exif": None, "location": None}
    across_down, orientation = _dpi(image.info.get("dpi")), None
    try:
        found = _exif(image)
        orientation = found.get(Base.Orientation)
        across_down = across_down or _dpi_of(found)
        tags = sound(found, PICTURE_TAGS)
        content = dump_exif(tags, sound(found.get_ifd(IFD.Exif), CAMERA_TAGS, IFD.Exif))
        notes["exif"] = content if 0 < len(content) <= LONGEST else None
        place = sound(found.get_ifd(IFD.GPSInfo), GPS, IFD.GPSInfo)
        notes["location"] = place if 0 < len(dump_exif({}, {}, place)) <= LONGEST_PLACE else None
    except DAMAGE:
        pass  # what was read until then is what there is
    if across_down and (orientation in _LYING or _is_turned_tiff(image)):
        across_down = (across_down[1], across_down[0])
    return {**notes, "dpi": across_down}


def write_options(
    picture: Picture,
    kind: str,
    record: Mapping[str, Any] | None = None,
    keep_location: bool = False,
) -> dict[str, Any]:
    """How PIL is told to write them into a file, and what is to be told of how it was painted.

    Args:
        picture: with its notes.
        kind: PIL's name of the format. PIL loses half of a TIFF's ``exif``: that is for
            :func:`fst.image.exif.add_to_tiff`.
        record: see :mod:`fst.image.record`; None writes none.
        keep_location: tell where the photo was taken.
    """
    noted = load_exif(picture.exif or b"")
    details = noted.get_ifd(IFD.Exif)
    tags = {tag: noted[tag] for tag in noted if tag != IFD.Exif}
    options: dict[str, Any] = {}
    if picture.dpi and kind != "WEBP":
        options["dpi"] = picture.dpi
    if picture.dpi and kind != "TIFF":  # which has them as tags of its own
        tags |= {Base.XResolution: picture.dpi[0], Base.YResolution: picture.dpi[1]}
        tags[Base.ResolutionUnit] = _INCH
    if record is not None:
        tags[Base.Software] = program(record)
        if kind == "PNG":
            options["pnginfo"] = png_text(record)
        elif kind == "TIFF":
            tags[Base.XMLPacket] = xmp_packet(record)
        else:
            options["xmp"] = xmp_packet(record)
    if content := dump_exif(tags, details, picture.location if keep_location else None):
        options["exif"] = content
    return options


def _exif(image: Image.Image) -> Image.Exif:
    """All of it: a file's own, what older programs wrote into a PNG's texts, a TIFF's tags."""
    if image.info.get("exif") or hasattr(image, "tag_v2"):
        return image.getexif()
    found = Image.Exif()
    for name in ("Raw profile type exif", "Raw profile type APP1"):
        # a line break, the name, how many bytes there are, and these in hexadecimal
        lines = str(image.info.get(name, "")).split("\n")[3:]
        content = bytes.fromhex("".join(lines))
        if content.startswith((b"Exif\0\0", b"II*\0", b"MM\0*")):
            found.load(content)
    return found


def _is_turned_tiff(image: Image.Image) -> bool:
    """Whether PIL, which turns these alone, exchanged width and height."""
    tags = getattr(image, "tag_v2", {})
    return (tags.get(Base.ImageWidth), tags.get(Base.ImageLength)) == image.size[::-1] and (
        image.width != image.height
    )


def _dpi_of(exif: Image.Exif) -> tuple[float, float] | None:
    found = _dpi((exif.get(Base.XResolution), exif.get(Base.YResolution)))
    if found and exif.get(Base.ResolutionUnit) == _CENTIMETER:
        return _dpi([value * 2.54 for value in found])
    return found


def _dpi(found: Any) -> tuple[float, float] | None:
    try:
        across, down = (float(value) for value in found)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    good = all(math.isfinite(value) and DPI[0] <= value <= DPI[1] for value in (across, down))
    return (across, down) if good else None
