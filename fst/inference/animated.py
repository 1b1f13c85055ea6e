"""The iterates of an optimization as a clip: frames are kept on the disk while they come."""

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import resize_tensor, to_pil
from fst.inference.video.animation_sink import FORMATS
from fst.inference.video.codecs import CONTAINERS
from fst.inference.video.folder_sink import is_folder_target
from fst.inference.video.frames import About, Frame
from fst.inference.video.sinks import Encoding, check_encoding, open_sink
from fst.system.temporaries import temporary_path

FRAMES = 240
"""Of a clip where nothing is said of their distance: ten seconds with the last frame's."""

RATES = (4, 25)
"""Frames a second, of a short clip and of a long one."""

SHORT = 6
"""Seconds that a clip is stretched to where its frames are few."""

LAST = Fraction(3, 2)
"""Seconds for which the last frame is shown: it is the result."""

SIDE = 1024
"""Pixels of a frame's long side, at most."""


def check_clip(option: str, target: Path) -> None:
    """That iterates can be written as such a clip.

    Raises:
        InputError: another suffix, or a package is missing.
    """
    kinds = (*CONTAINERS, *FORMATS)
    if target.suffix.lower() not in kinds or is_folder_target(target):
        raise InputError(f"{option} {target}: a clip ends in {', '.join(kinds)}")
    check_encoding(target, Encoding())


def distance(iterations: int) -> int:
    """How many iterations lie between two frames where nothing is said of it."""
    return max(1, math.ceil(iterations / FRAMES))


@dataclass
class IterateClip:
    """The frames of a clip that is not finished, as PNGs in a folder.

    Attributes:
        folder: that is there, and holds nothing else.
        size: of the frames, width and height in pixels.
    """

    folder: Path
    size: tuple[int, int]

    def add(self, iteration: int, image: Tensor) -> None:
        """Keeps an iterate, ``(1, 3, H, W)`` of any size.

        Raises:
            OSError: the disk is full, and the like.
        """
        width, height = self.size
        frame = to_pil(resize_tensor(image.clamp(0, 1).cpu(), (height, width)))
        frame.save(self.folder / f"{iteration:07d}.png", compress_level=1)

    def drop_behind(self, iteration: int) -> None:
        """Forgets what comes later."""
        for file in self._files():
            if int(file.stem) > iteration:
                file.unlink()

    def _files(self) -> list[Path]:
        return sorted(file for file in self.folder.glob("*.png") if file.stem.isdigit())

    def write(self, target: Path, overwrite: bool, record: Mapping[str, Any] | None) -> list[str]:
        """Writes the clip, whole or not at all.

        Args:
            target: as for :func:`check_clip`.
            overwrite: replace what is there.
            record: what the clip says of how it was painted.

        Returns:
            Lines to say.

        Raises:
            InputError: something is there, and may not be replaced.
            OSError: the disk is full, and the like.
        """
        if not overwrite and os.path.lexists(target):
            raise InputError("is there already")
        said = None if record is None else json.dumps(record)
        frames = _Frames(self.folder, _about(self.size, len(self._files())), self._files())
        sink = open_sink(target, frames, record=said)
        segment = temporary_path(self.folder)  # whoever is killed here leaves nothing for long
        try:
            sink.write_segment(segment, frames.frames())
            return sink.join([segment], target)
        finally:
            if segment.is_dir():
                shutil.rmtree(segment, ignore_errors=True)
            segment.unlink(missing_ok=True)


@dataclass
class _Frames:
    """A :class:`~fst.inference.video.frames.Source`: frames that are on the disk."""

    path: Path
    about: About
    files: list[Path]
    notes: list[str] = field(default_factory=list)

    def frames(self) -> Iterator[Frame]:
        """In order, read one by one."""
        for number, file in enumerate(self.files):
            with Image.open(file, formats=("PNG",)) as opened:
                pixels = np.ascontiguousarray(np.asarray(opened.convert("RGB")))
            last = LAST if number == len(self.files) - 1 else None
            yield Frame(pixels, number, number / self.about.rate, last)


def _about(size: tuple[int, int], count: int) -> About:
    slowest, fastest = RATES
    rate = Fraction(min(fastest, max(slowest, math.ceil(count / SHORT))))
    return About(*size, rate, count, (count - 1) / rate + LAST, 1 / rate, kind="iterates")


def frame_size(width: int, height: int) -> tuple[int, int]:
    """Of a clip of pictures of that size: theirs, or smaller (:data:`SIDE`)."""
    scale = min(1.0, SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
