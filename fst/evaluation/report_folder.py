"""The folder of a comparison's report: known by its ``report.json``, and nobody else's.

A comparison writes into a folder that is new, empty, or a report's. It puts ``report.json`` there
before anything else, so that a comparison that was stopped goes on in a folder that is its own.
"""

import json
import os
from pathlib import Path

from fst.errors import InputError
from fst.system.files import write_json
from fst.system.outputs import check_folder
from fst.system.temporaries import NAME

REPORT, PAGE, PICTURES, ENTRIES = "report.json", "index.html", "pictures", "photos"
"""What lies in it."""

SCHEMA = 3
"""Of the report; another number is another meaning of its figures."""


def is_report(folder: Path) -> bool:
    """Whether a comparison has written this folder, to its end or not."""
    try:
        about = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return (
        isinstance(about, dict)
        and type(about.get("schema")) is int
        and (about.get("unfinished") is True or {"style", "settings", "photos"} <= set(about))
    )


def is_of_report(folder: Path) -> bool:
    """Whether what lies in this folder are pictures of a comparison, however the path goes."""
    real = Path(os.path.realpath(folder))
    return real.name == PICTURES and is_report(real.parent)


def check_report_folder(folder: Path) -> None:
    """Makes sure that a report can be written there; makes nothing.

    Raises:
        InputError: a file, a folder of something else, or a place that can't be written to.
    """
    check_folder("--output", folder)
    try:
        names = sorted(os.listdir(folder)) if folder.is_dir() else []
    except OSError as error:
        raise InputError(f"can't read --output {folder}: {error.strerror}") from error
    real = Path(os.path.realpath(folder))
    if real.name in (ENTRIES, PICTURES) and is_report(real.parent):
        raise InputError(f"--output {folder} is part of a report: did you mean {real.parent}?")
    # what a comparison that was killed left of a file is nobody's
    others = [name for name in names if not NAME.fullmatch(name)]
    if others and not is_report(folder):
        raise InputError(
            f"--output {folder} holds {others[0]!r} and is no report of fst compare: name a "
            "folder that is new or empty"
        )


def begin_report(folder: Path) -> None:
    """Makes the folder a report's, and those for pictures and entries.

    Raises:
        InputError: it can't be made.
    """
    try:
        for part in (folder, folder / ENTRIES, folder / PICTURES):
            part.mkdir(parents=True, exist_ok=True)
            if part == folder and not is_report(folder):
                write_json(folder / REPORT, {"schema": SCHEMA, "unfinished": True})
    except OSError as error:
        raise InputError(f"can't write to {folder}: {error.strerror}") from error
