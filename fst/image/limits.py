"""How large a picture a format can hold."""

from pathlib import Path

from fst.errors import InputError
from fst.image.io import FORMATS

LARGEST = {"JPEG": 65_500, "WEBP": 16_383}
"""Pixels of a side that a format can have, where that is less than memory; PIL's name -> pixels."""

_TIFF_BYTES = 2**32 - 2**20
"""A TIFF counts its bytes with 32 bits."""


def check_size(path: str | Path, width: int, height: int) -> None:
    """Refuses a picture that is too large for its format; to be asked before the work.

    Args:
        path: of the picture, whose suffix is one of :data:`FORMATS`.
        width: in pixels.
        height: in pixels.

    Raises:
        InputError: names the formats that can hold it.
    """

    def holds(kind: str) -> bool:
        if kind == "TIFF":
            return width * height * 4 <= _TIFF_BYTES
        return max(width, height) <= LARGEST.get(kind, 2**31 - 1)

    kind = FORMATS[Path(path).suffix.lower()]
    if not holds(kind):
        others = [other for other in dict.fromkeys(FORMATS.values()) if holds(other)]
        limit = "4 GB" if kind == "TIFF" else f"{LARGEST[kind]:,} pixels a side"
        raise InputError(
            f"{path}: {width}x{height} is too large for {kind}, which ends at {limit}; "
            f"it can be {', '.join(others)}, or painted at a smaller --size"
        )
