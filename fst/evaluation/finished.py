"""The photos that a comparison has finished, kept on disk so that it goes on where it was."""

import hashlib
import json
from pathlib import Path
from typing import Any

from fst.system.files import write_json


def file_digest(path: Path) -> str:
    """The SHA-256 of a photo's file: another photo under the same name is another one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def keep_photo(file: Path, key: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Writes a photo's figures, and under what key they were computed; returns both together."""
    entry = {"key": key, **figures}
    write_json(file, entry)
    return entry


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
