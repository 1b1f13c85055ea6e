"""The manifest of a folder of results: a line of JSON for each, of what came of it.

It is appended to, and nothing in it is ever changed: the last line on a result holds. A line that a
dying process left half-written is no JSON, and passed over. Without the manifest nothing is lost
either: results say themselves how they were painted. It saves opening them all.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from fst.system.files import atomic_file
from fst.system.locks import held

NAME = ".fst-manifest.jsonl"
LOCK = ".fst-manifest.lock"
FAILURES = "failures.csv"


class Line(NamedTuple):
    """What came of one photo, or of one part of a table."""

    target: str
    """The result, below the folder of results."""
    stamp: str
    """Of the photo: size and time, so that another photo of that name is told from it."""
    settings: str
    """Digest of all it was painted with."""
    failed: Mapping[str, str] = {}
    """Photo -> why it could not be painted; of a result that is there, photos in a table."""
    there: bool = True
    """Whether the result was written."""


def digest_of(settings: Mapping[str, Any]) -> str:
    """Sixteen digits that are others where any setting is."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def stamp_of(path: Path) -> str:
    """Size and time of a file; empty where it can't be told."""
    try:
        about = path.stat()
    except OSError:
        return ""
    return f"{about.st_size}-{about.st_mtime_ns}"


class Manifest:
    """Of one folder; from :func:`opened`, so that no other process writes into it.

    Args:
        folder: of the results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines: dict[str, Line] = {}
        self._file = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        with open(folder / NAME, "rb") as written:
            last = b"\n"
            for last in written:
                if (line := _parsed(last)) is not None:
                    self._lines[line.target] = line
        if not last.endswith(b"\n"):
            os.write(self._file, b"\n")  # what comes now is no part of it

    def done(self, target: str, stamp: str, settings: str) -> bool:
        """Whether a result was written from that very photo, with those settings."""
        line = self._lines.get(target)
        return (
            line is not None and line.there and stamp != ""
            and (line.stamp, line.settings) == (stamp, settings)
        )  # fmt: skip

    def last(self, target: str) -> Line | None:
        """The last line on a result; None where nothing is known of it."""
        return self._lines.get(target)

    def note(self, lines: Sequence[Line]) -> None:
        """Appends lines, all in one write.

        Raises:
            OSError: the disk is full, and the like.
        """
        content = "".join(_written(line) for line in lines).encode("ascii")
        while content:
            content = content[os.write(self._file, content) :]
        self._lines.update({line.target: line for line in lines})

    def list_failures(self, wanted: Callable[[str], bool] = lambda target: True) -> int:
        """Writes :data:`FAILURES`, whole or not at all; returns how many there are.

        It has the photos that failed when they were last tried, and why. Where there are none, a
        list of before is emptied.

        Args:
            wanted: whether a result is one of those that are listed.
        """
        rows = [
            row for line in self._lines.values() if wanted(line.target)
            for row in line.failed.items()
        ]  # fmt: skip
        path = self.folder / FAILURES
        if rows or path.exists():
            how = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
            with atomic_file(path) as temporary, open(temporary, "w", **how) as file:  # type: ignore[call-overload]
                csv.writer(file).writerows([("photo", "reason"), *rows])
        return len(rows)

    def close(self) -> None:
        """Lets go of the file."""
        os.close(self._file)


@contextmanager
def opened(folder: Path) -> Iterator[Manifest]:
    """The manifest of a folder that is there, for this process alone.

    Raises:
        InputError: another process paints into that folder.
        OSError: it can't be written there.
    """
    busy = f"another fst stylize --engine ray paints into {folder}: wait, or give another --output"
    with held(folder / LOCK, busy):
        manifest = Manifest(folder)
        try:
            yield manifest
        finally:
            manifest.close()


def _written(line: Line) -> str:
    """As JSON in ASCII: a file's name may hold any bytes."""
    said: dict[str, Any] = {"target": line.target, "stamp": line.stamp, "settings": line.settings}
    if line.failed:
        said["failed"] = dict(line.failed)
    if not line.there:
        said["there"] = False
    return json.dumps(said, separators=(",", ":")) + "\n"


def _parsed(content: bytes) -> Line | None:
    """A line; None where it is none of ours."""
    try:
        said = json.loads(content)
        line = Line(**said)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = (line.target, line.stamp, line.settings)
    sound = all(isinstance(text, str) for text in texts) and isinstance(line.failed, dict)
    return line if sound and isinstance(line.there, bool) else None
