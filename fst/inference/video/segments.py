"""A painting that takes hours, in segments that are whole: what is painted stays.

Beside the target ``film-monet.mp4`` lies, until that is finished, the folder
``film-monet.mp4.parts``. It has ``job.json``, which says what is painted, and for every segment of
the clip a file (or folder) with its painted frames, one with what is known of it, and of the last
one what the painter remembers. A segment gets its name when all of that is on the disk, so whatever
has its name is whole, and the same command goes on behind it.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from fst.inference.video.frames import About
from fst.system.files import atomic_file, write_json

SECONDS = 4
"""Of a clip, in a segment."""

PIXELS = 30_000_000
"""Painted in a segment, where it has a second of the clip at least: about a minute of one core."""

JOB, LOCK = "job.json", "job.lock"
"""What is in such a folder besides segments."""


def segment_length(about: About, pixels: int) -> int:
    """How many frames a segment has: by clip and size alone, so that it is the same after a stop.

    Args:
        about: of the clip.
        pixels: of a painted frame.
    """
    second = max(1, min(60, round(about.rate)))
    return max(second, min(SECONDS * second, PIXELS // max(1, pixels)))


@dataclass(frozen=True)
class Done:
    """What is painted already.

    Attributes:
        segments: how many are whole.
        frames: how many are in them.
        ended: they are all of the clip.
        state: what the painter remembered after them; None where that can't be read.
        notes: what was found in the clip, where all of it was read.
    """

    segments: int = 0
    frames: int = 0
    ended: bool = False
    state: dict[str, Tensor] | None = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The folder of one painting.

    Attributes:
        folder: that is there, and this process's alone.
        suffix: of a segment's name; empty where it is a folder.
        others: lines on other paintings' folders for the same target.
    """

    folder: Path
    suffix: str
    others: tuple[str, ...] = ()

    def path(self, number: int) -> Path:
        """Of a segment, from 0."""
        return self.folder / f"{number:06d}{self.suffix}"

    def unfinished(self, number: int) -> Path:
        """Where a segment is written, until it is whole."""
        return self.folder / f"{number:06d}.new{self.suffix}"

    def _known(self, number: int) -> Path:
        return self.folder / f"{number:06d}.json"

    def _state(self, number: int) -> Path:
        return self.folder / f"{number:06d}.safetensors"

    def keep(
        self,
        number: int,
        frames: int,
        state: Mapping[str, Tensor],
        ended: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        """Gives a segment that is written its name.

        Args:
            number: of the segment.
            frames: how many are in it.
            state: what the painter remembers after it.
            ended: it is the clip's last.
            notes: what was found in the clip, if so.
        """
        written = self.unfinished(number)
        if written.is_file():
            with written.open("rb+") as file:
                os.fsync(file.fileno())
        if not ended:
            with atomic_file(self._state(number)) as temporary:
                save_file({name: one.cpu().contiguous() for name, one in state.items()}, temporary)
        known = {"frames": frames, "ended": ended, "notes": list(notes)}
        write_json(self._known(number), known)
        written.rename(self.path(number))
        if number:
            self._state(number - 1).unlink(missing_ok=True)

    def done(self) -> Done:
        """What is whole; all else of an earlier time is removed."""
        known: list[dict[str, Any]] = []
        for number in count():
            one = read_line(self._known(number)) if self.path(number).exists() else {}
            if type(one.get("frames")) is not int or one["frames"] < 1:
                break
            known.append(one)
            if one.get("ended"):
                break
        self._keep_only(len(known))
        if not known:
            return Done()
        frames, ended = sum(one["frames"] for one in known), bool(known[-1].get("ended"))
        state: dict[str, Tensor] | None = {}
        if not ended:
            try:
                state = load_file(self._state(len(known) - 1))
            except (OSError, SafetensorError):  # hours of painting are worth more than a seam
                state = None
        notes = tuple(str(note) for note in known[-1].get("notes", ()))
        return Done(len(known), frames, ended, state, notes)

    def _keep_only(self, segments: int) -> None:
        """Removes what belongs to later segments, or to none."""
        kept = {JOB, LOCK, *([self._state(segments - 1).name] if segments else [])}
        for number in range(segments):
            kept |= {self.path(number).name, self._known(number).name}
        for path in list(self.folder.iterdir()):
            if path.name not in kept:
                _remove(path)

    def paths(self, segments: int) -> list[Path]:
        """Of the first so many segments."""
        return [self.path(number) for number in range(segments)]


def read_line(path: Path) -> dict[str, Any]:
    """A JSON file of ours; empty where it is none.

    Args:
        path: of the file, or of none.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
