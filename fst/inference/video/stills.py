"""Segments that are folders of pictures: of what is no video, until it is joined."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fst.errors import InputError
from fst.inference.video.frames import Frame
from fst.system.files import write_json

TIMES = "times.json"
"""In a segment: what its frames are called, and when they are shown. Written last."""


@dataclass(frozen=True)
class Still:
    """A painted frame in a segment.

    Attributes:
        file: a PNG of mode RGB or RGBA, if it was not asked for another.
        number: of the frame in its clip.
        time: when it is shown, in seconds.
        duration: for how long, in seconds; None is until the next one.
    """

    file: Path
    number: int
    time: Fraction
    duration: Fraction | None


def write_stills(
    folder: Path,
    frames: Iterable[Frame],
    name: Callable[[Frame], str] = lambda frame: f"{frame.number:08d}.png",
    save: Callable[[Path, Frame], None] | None = None,
) -> None:
    """Writes the frames into a folder, one by one, each to the disk.

    Args:
        folder: is made if need be.
        frames: with alpha or without.
        name: of a frame's file.
        save: writes a frame; None writes a PNG, quickly.

    Raises:
        OSError: the disk is full, and the like.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stills: list[dict[str, Any]] = []
    for frame in frames:
        (save or _save)(folder / (file := name(frame)), frame)
        duration = None if frame.duration is None else str(frame.duration)
        stills.append(
            {"file": file, "number": frame.number, "time": str(frame.time), "duration": duration}
        )
    write_json(folder / TIMES, {"stills": stills})


def _save(path: Path, frame: Frame) -> None:
    layers = [frame.pixels] if frame.alpha is None else [frame.pixels, frame.alpha[..., None]]
    with path.open("wb") as file:
        Image.fromarray(np.concatenate(layers, 2)).save(file, "PNG", compress_level=1)
        file.flush()
        os.fsync(file.fileno())


def read_stills(segments: Sequence[Path]) -> list[Still]:
    """The frames of all segments, in order.

    Args:
        segments: folders that :func:`write_stills` has written.

    Raises:
        InputError: a segment is damaged, or there is no frame at all.
    """
    found: list[Still] = []
    for folder in segments:
        try:
            written = json.loads((folder / TIMES).read_text(encoding="utf-8"))["stills"]
            for one in written:
                duration = None if one["duration"] is None else Fraction(one["duration"])
                file, number = folder / str(one["file"]), int(one["number"])
                found.append(Still(file, number, Fraction(one["time"]), duration))
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise InputError(f"{folder} is no whole segment: remove it") from error
    if not found:
        raise InputError("there is no frame to write")
    return found


def shown_until(stills: Sequence[Still]) -> Fraction:
    """When the last frame ends, in seconds: by what it says, else as long as the others are shown.

    Args:
        stills: at least one, in order.
    """
    first, last = stills[0], stills[-1]
    if last.duration is not None:
        return last.time + last.duration
    mean = (last.time - first.time) / (len(stills) - 1) if len(stills) > 1 else Fraction(0)
    return last.time + (mean or Fraction(1, 25))
