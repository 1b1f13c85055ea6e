"""The photos that a comparison has finished, kept on disk so that it goes on where it was."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from fst.image.io import save_image
from fst.system.files import write_json


def keep_photo(file: Path, key: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes a photo's figures, and under what key they were computed; returns both together."""
    entry = {"key": key, **figures}
    write_json(file, entry)
    return entry


def keep_pictures(images: Mapping[str, Tensor], pictures: Path) -> dict[str, str]:
    """Writes ``<pictures>_<what>.png``; returns what -> the path below the report's folder.

    Args:
        images: what -> ``(1, 3, H, W)``; cut to [0, 1].
        pictures: in the report's folder of pictures, that each file's name begins with.
    """
    written = {}
    for name, image in images.items():
        file = pictures.with_name(f"{pictures.name}_{name}.png")
        save_image(file, image.clamp(0, 1).cpu())
        written[name] = f"{file.parent.name}/{file.name}"
    return written


def read_finished(file: Path, key: str, name: str) -> dict[str, Any] | None:
    """What :func:`keep_photo` wrote; None where it is damaged, or of something else.

    Args:
        file: the entry, in a folder beside that of its pictures.
        key: that its figures have to be computed under.
        name: of the photo.
    """
    try:
        entry: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if (entry["key"], entry["name"]) != (key, name):
            return None
        missing = [p for p in entry["pictures"].values() if not (file.parents[1] / p).exists()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # not there, or damaged
    return None if missing else entry
