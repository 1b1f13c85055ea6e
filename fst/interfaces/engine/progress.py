"""What is said while many photos are painted: a bar in a terminal, a line each minute elsewhere."""

import sys
import time
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fst.errors import in_a_line

EVERY = 60.0
"""Seconds between two lines where there is no terminal."""

SAID = 20
"""Failures that are told in a line each; all are in the list."""


class Display:
    """How far the work is.

    Args:
        total: photos to paint; None where nobody knows.
        out: where to print.
    """

    def __init__(self, total: int | None, out: TextIO) -> None:
        self.total, self.painted, self.failed, self.there, self._out = total, 0, 0, 0, out
        self._terminal = out.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"), TimeRemainingColumn(),
            console=Console(file=out), transient=True, disable=not self._terminal,
            redirect_stdout=False,
        )  # fmt: skip
        self._task = self._bar.add_task("starting", total=total, pace="")
        self._began = self._said = time.monotonic()

    def __enter__(self) -> "Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def ready(self) -> None:
        """The first worker begins: the pace counts from now on."""
        self._began = self._said = time.monotonic()

    def already(self, count: int) -> None:
        """So many photos are there, and don't count.

        Args:
            count: of them.
        """
        self.there += count
        if self.total is not None:
            self.total -= count
        self._bar.update(self._task, total=self.total)

    def add(self, failures: dict[str, str], painted: int) -> None:
        """Some photos more.

        Args:
            failures: photo -> reason.
            painted: how many were.
        """
        self.painted += painted
        for number, (photo, reason) in enumerate(failures.items(), self.failed + 1):
            if number <= SAID:
                said = reason if photo in reason else f"{photo}: {reason}"
                print(f"error: {in_a_line(said)}", file=sys.stderr, flush=True)
            if number == SAID:
                print("further failures are only listed", file=sys.stderr, flush=True)
        self.failed += len(failures)
        done, now = self.painted + self.failed, time.monotonic()
        pace = done / max(now - self._began, 1e-3)
        failed = f", {self.failed} failed" if self.failed else ""
        self._bar.update(
            self._task, completed=done, description="painting", pace=f"{pace:.1f} a second{failed}"
        )
        if not self._terminal and now - self._said >= EVERY:
            self._said = now
            of = "" if self.total is None else f" of {self.total}"
            left = "" if self.total is None else f", {_time((self.total - done) / pace)} left"
            print(
                f"{done}{of} photos, {pace:.1f} a second{failed}{left}", file=self._out, flush=True
            )

    def end(self, folder: Path, died: int) -> None:
        """Says what came of it.

        Args:
            folder: of the results.
            died: workers that were replaced.
        """
        if self.there:
            print(f"painted already: {self.there} photos", file=self._out)
        seconds = max(time.monotonic() - self._began, 1e-3)
        pace = f"{(self.painted + self.failed) / seconds:.2f} a second"
        workers = f"; {died} workers died and were replaced" if died else ""
        said = f"painted {self.painted} of {self.painted + self.failed} photos, {pace}: {folder}"
        print(in_a_line(said + workers), file=self._out, flush=True)


def _time(seconds: float) -> str:
    """In hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
