"""The losses of an optimization, iteration by iteration, as a table."""

import csv
import io
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fst.optimization.pixels import Iterate
from fst.system.files import atomic_file

FIRST = ("iteration", "seconds", "total", "content", "style", "tv")
"""Columns that every table has; those of the layers follow, as ``style/relu1_1``."""


class Curve:
    """A row for every iterate.

    Args:
        clock: in seconds, from any moment on.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self.columns: tuple[str, ...] = FIRST
        self.rows: list[list[float]] = []
        self._clock, self._began = clock, 0.0

    def see(self, iterate: Iterate) -> None:
        """The next iterate."""
        if not self.rows:
            self.columns = (*FIRST, *iterate.layers)
            self._began = self._clock()
        terms = [iterate.terms.total, *iterate.terms, *iterate.layers.values()]
        seconds = round(self._clock() - self._began, 3)
        self.rows.append([iterate.iteration, seconds, *(float(term.sum()) for term in terms)])

    def lines(self) -> dict[str, list[tuple[float, float]]]:
        """Of every column of losses, ``(iteration, value)``."""
        losses = enumerate(self.columns[2:], 2)
        return {name: [(row[0], row[place]) for row in self.rows] for place, name in losses}

    def text(self) -> str:
        """The table as CSV; numbers with the digits that float32 has."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        for iteration, seconds, *losses in self.rows:
            writer.writerow([int(iteration), seconds, *(f"{loss:.9g}" for loss in losses)])
        return out.getvalue()

    def write(self, path: Path, overwrite: bool) -> None:
        """Writes the CSV, whole or not at all.

        Raises:
            OSError: the disk is full, and the like; something is there and may not be replaced.
        """
        with atomic_file(path, overwrite) as temporary:
            temporary.write_text(self.text(), encoding="utf-8")

    def state(self) -> dict[str, Any]:
        """What :meth:`restore` goes on from."""
        return {"columns": list(self.columns), "rows": [list(row) for row in self.rows]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on behind the rows of before; the time in between does not count."""
        self.columns = tuple(map(str, state["columns"]))
        rows: Sequence[Sequence[float]] = state["rows"]
        self.rows = [[float(value) for value in row] for row in rows]
        self._began = self._clock() - (self.rows[-1][1] if self.rows else 0.0)
