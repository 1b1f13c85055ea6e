"""What is known of the paintings in a folder: ``paintings.csv`` beside them."""

import csv
from pathlib import Path
from typing import Any

from fst.styles.description import LONGEST_TEXT

LIST = "paintings.csv"
"""Columns ``file``, ``title``, ``painter``, ``year``, ``rights``; others are passed over."""

KNOWN = ("title", "painter", "year", "rights")


def listed_painting(path: Path) -> dict[str, Any]:
    """Title, painter, year and rights of a painting, as far as the list beside it says them.

    Args:
        path: of the painting. Without a list, or one that can't be read, nothing is known.
    """
    try:
        with open(path.parent / LIST, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                if row.get("file") == path.name:
                    return {key: value for key in KNOWN if (value := _said(row.get(key)))}
    except (OSError, UnicodeDecodeError, csv.Error):
        pass
    return {}


def _said(value: str | None) -> str | int | None:
    """A year is a number where it is nothing else, as in style files."""
    said = " ".join((value or "").split())
    return int(said) if said.isdecimal() and len(said) <= 4 else said[:LONGEST_TEXT] or None
