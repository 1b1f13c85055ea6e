"""Portraits of the shipped paintings' textures, which stand in for paintings that are not there.

``fst/embedded/portraits/`` holds a picture for every shipped style that has its painting's Gram
matrices, in another arrangement (:mod:`fst.research.portraits` makes them), and ``portraits.json``:
checksum, size, how it was made, and how far its Grams are from the painting's.
"""

import json
import warnings
from pathlib import Path
from typing import Any

from torch import Tensor

from fst import assets
from fst.errors import AssetError, FstWarning
from fst.image.painting import load_painting
from fst.loss_networks.sources import EMBEDDED

PORTRAITS = EMBEDDED / "portraits"
"""Their folder: ``<style>.jpg`` and ``portraits.json``."""


def read_figures(folder: Path = PORTRAITS) -> dict[str, dict[str, Any]]:
    """Style name -> what ``portraits.json`` says of its portrait; nothing without such a file.

    Raises:
        AssetError: the file is damaged.
    """
    file = folder / "portraits.json"
    if not file.exists():
        return {}
    try:
        found: dict[str, dict[str, Any]] = json.loads(file.read_bytes())
    except ValueError as error:
        raise AssetError(f"{file} is damaged: install fst again") from error
    return found


def embedded_portrait(image: str, size: int, folder: Path = PORTRAITS) -> Tensor:
    """A shipped painting's portrait, to stand in for it at a style size.

    Args:
        image: the painting's file name, or the style's name.
        size: the long side in pixels that the painting would have. Above the portrait's own it is
            enlarged, with a warning: there it was compared with the painting at no size.
        folder: of the portraits.

    Returns:
        ``(1, 3, H, W)``, RGB in [0, 1], with that long side.

    Raises:
        AssetError: no portrait of that painting, or a damaged file.
        InputError: too small a size.
    """
    figures = read_figures(folder)
    found = [style for style, about in figures.items() if image in (style, about.get("painting"))]
    if not found:
        shipped = ", ".join(figures) or "none"
        raise AssetError(f"no texture portrait of {image!r} comes with fst, only of {shipped}")
    (style,) = found
    about, file = figures[style], folder / f"{style}.jpg"
    if not file.is_file():
        raise AssetError(f"{file} is missing: install fst again")
    assets.check_sha256(file, (about["sha256"],))
    if size > about["size"]:
        warnings.warn(
            f"the texture portrait of {style} has {about['size']} pixels: enlarged to {size}",
            FstWarning,
            stacklevel=2,
        )
    return load_painting(file, size)
