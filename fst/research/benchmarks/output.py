"""Where a benchmark of pictures puts its figures and its contact sheet."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fst.evaluation.photos import shown_name
from fst.image.io import save_image
from fst.image.picture import from_pil
from fst.research.benchmarks.sheets import Row, labeled_sheet
from fst.system.files import write_json
from fst.system.outputs import check_file, check_folder

FIGURES, SHEET = "figures.json", "sheet.jpg"


class Output:
    """The folder that ``--output`` names, or nothing.

    Args:
        options: ``output`` and ``overwrite``.

    Raises:
        InputError: it can't be written to, or holds the files already.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.folder: Path | None = options.output
        if self.folder is None:
            return
        check_folder("--output", self.folder)
        if self.folder.is_dir():
            for name in (FIGURES, SHEET):
                check_file("--output", self.folder / name, options.overwrite)

    def write(
        self,
        figures: Mapping[str, Any],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> None:
        """Writes the figures and the sheet, each whole or not at all."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.folder / FIGURES, dict(figures))
        save_image(self.folder / SHEET, from_pil(labeled_sheet(columns, rows)), quality=80)
        print(f"figures and contact sheet: {self.folder}", flush=True)


def console() -> Console:
    """As wide as the terminal, or 120 columns in a file."""
    return Console(width=None if sys.stdout.isatty() else 120)


def progress(done: int, paintings: Sequence[Path]) -> str:
    """What is said while the next painting is worked on."""
    name = escape(shown_name(paintings[done].stem))
    return f"painting {done + 1} of {len(paintings)}: {name}"


def show(title: str, table: Table) -> None:
    """Prints a table below its title, which may be longer than the table is wide."""
    print(title, flush=True)
    console().print(table)
