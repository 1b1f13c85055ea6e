"""EXIF through PIL, and past it where it loses something.

PIL reads texts as Latin-1 and writes them in ASCII, with "?" for the rest; one value that it can't
write spoils all; and libtiff, which compresses its TIFFs, gets no tags of it that refer to others.
"""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.ExifTags import IFD
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from fst.image.picture import _DECODER_ERRORS

DAMAGE = (*_DECODER_ERRORS, KeyError, AttributeError)
"""What PIL raises on what a camera with bad firmware wrote."""

LONGEST_VALUE = 4096
"""Bytes of a value that is kept: what is longer is no camera's."""

_LARGEST = 2**32 - 2**20
"""A TIFF that ends here has no room: its places are numbers of 32 bits."""


class _Text(str):
    """A text that PIL writes as it read it."""

    __slots__ = ()

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:
        """In Latin-1, whatever is asked for: EXIF does not say what its texts are in."""
        return super().encode("latin-1")


def load_exif(content: bytes) -> Image.Exif:
    """EXIF as :func:`dump_exif` gives it; texts are written as they were read.

    Raises:
        OSError: it is damaged, as are the others of :data:`DAMAGE`.
    """
    exif = Image.Exif()
    exif.load(content)
    for tag in list(exif):
        exif[tag] = _faithful(exif[tag])
    for part in (IFD.Exif, IFD.GPSInfo):
        if part in exif:
            details = exif.get_ifd(part)
            details.update({tag: _faithful(value) for tag, value in details.items()})
    return exif


def dump_exif(
    tags: Mapping[int, Any], details: Mapping[int, Any], place: Mapping[int, Any] | None = None
) -> bytes:
    """The three parts of EXIF in bytes, ``b""`` where all are empty.

    Args:
        tags: of the picture, as in a TIFF.
        details: of how it was taken.
        place: of where.
    """
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    for part, found in ((IFD.Exif, details), (IFD.GPSInfo, place)):
        if found:
            exif.get_ifd(part).update(found)
    return exif.tobytes() if tags or details or place else b""


def sound(found: Any, tags: Iterable[int], part: IFD | None = None) -> dict[int, Any]:
    """Those of the tags that are there and can be written.

    Args:
        found: tag -> value, as PIL reads them.
        tags: which.
        part: where they stand; None is the picture's own.
    """
    kept: dict[int, Any] = {}
    for tag in tags:
        try:
            if (value := found.get(tag)) is None:
                continue
            one = {int(tag): _faithful(value)}
            parts = {part: one}
            written = dump_exif(
                parts.get(None, {}), parts.get(IFD.Exif, {}), parts.get(IFD.GPSInfo, {})
            )
            if len(written) <= LONGEST_VALUE:
                kept |= one
        except DAMAGE:
            continue
    return kept


def _faithful(value: Any) -> Any:
    return _Text(value.rstrip("\0")) if isinstance(value, str) else value


def add_to_tiff(path: Path, content: bytes) -> None:
    """Adds EXIF to the first picture of a TIFF; tags that it has stay as they are.

    The directory is written anew behind the pixels, with what is added; the header then points
    there. A file that is no TIFF of less than 4 GB is left as it is.

    Args:
        path: a whole file.
        content: from :func:`dump_exif`.

    Source:
        TIFF 6.0, section 2; EXIF 3.0, section 4.6.3.
    """
    with open(path, "rb+") as file:
        head = file.read(8)
        end = (file.seek(0, 2) + 1) // 2 * 2
        if head[:4] not in (b"II*\0", b"MM\0*") or end > _LARGEST:
            return
        order = "<" if head.startswith(b"II") else ">"
        file.seek(struct.unpack(f"{order}I", head[4:])[0])
        (count,) = struct.unpack(f"{order}H", file.read(2))
        entries = [file.read(12) for _ in range(count)]
        following = file.read(4)
        added = _directory(load_exif(content), head).tobytes(end)
        (count,) = struct.unpack_from(f"{order}H", added)
        entries = [*(added[2 + 12 * i :][:12] for i in range(count)), *entries]
        by_tag = {struct.unpack_from(f"{order}H", entry)[0]: entry for entry in entries}
        file.seek(end)
        file.write(added + b"\0" * (len(added) % 2))
        place = file.tell()
        file.write(struct.pack(f"{order}H", len(by_tag)))
        file.write(b"".join(by_tag[tag] for tag in sorted(by_tag)) + following)
        file.seek(4)
        file.write(struct.pack(f"{order}I", place))


def _directory(exif: Image.Exif, head: bytes) -> ImageFileDirectory_v2:
    directory = ImageFileDirectory_v2(ifh=head)
    for tag in exif:
        directory[tag] = exif.get_ifd(tag) if tag in (IFD.Exif, IFD.GPSInfo) else exif[tag]
    return directory
