"""What a record says of files: names and checksums, no folders."""

import hashlib
from pathlib import Path
from typing import Any

from fst import assets
from fst.errors import AssetError
from fst.styles.style import Style


def checksum(path: Path) -> str:
    """SHA-256 of a file, as ``sha256sum`` prints it."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_said(path: Path) -> dict[str, Any]:
    """A file's name and checksum."""
    return {"name": Path(path).name, "sha256": checksum(Path(path))}


def painting_said(image: str) -> dict[str, Any]:
    """A painting's file, or the portrait that stands in for it."""
    try:
        return file_said(assets.find("styles", image))
    except AssetError:
        return {"name": Path(image).name, "portrait": True}


def paintings_said(style: Style, style_size: int | str | None) -> list[dict[str, Any]]:
    """Several paintings, each with its share and the size that it is seen at."""
    return [
        {
            **painting_said(str(one.image)),
            "share": round(share, 6),
            "style_size": style_size if isinstance(style_size, int) else one.size,
        }
        for one, share in zip(style.paintings, style.shares.values(), strict=True)
    ]
