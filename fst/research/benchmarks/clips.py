"""Short clips to measure with: some frames of a file, or a window that moves over a photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import torch
from torch import Tensor

from fst.errors import InputError
from fst.evaluation.photos import shown_name
from fst.evaluation.warping import MOTIONS, Moved, found_motion, moving_window
from fst.image.io import load_image
from fst.image.picture import Picture, resize
from fst.inference.video.cuts import Cuts
from fst.inference.video.sources import open_source

BEGINNING = 2
"""Frames that nothing is counted of: what looks back has to begin."""

WINDOW = 1.25
"""How much longer a photo's side is than that of the window which moves over it."""


@dataclass(frozen=True)
class Clip:
    """Frames ``(1, 3, H, W)`` in [0, 1], and the motion from each to the next; None is a cut."""

    name: str
    frames: Sequence[Tensor]
    moves: Sequence[Moved | None]


def find_clips(places: Sequence[Path]) -> list[Path]:
    """Files, and those in folders.

    Raises:
        InputError: a place that is not there, or an empty folder.
    """
    found: dict[Path, None] = {}
    for place in places:
        if not place.exists():
            raise InputError(f"no clip or folder of clips {str(place)!r}")
        inside = (
            sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else []
        )
        if place.is_dir() and not inside:
            raise InputError(f"no clips in {str(place)!r}")
        found |= dict.fromkeys(inside or [place])
    return list(found)


def read_clip(path: Path, count: int, skip: int, size: int) -> Clip:
    """Some frames of a file, small, and their motion.

    Args:
        path: of the clip.
        count: frames to take, and at least :data:`BEGINNING` and two more.
        skip: frames to pass over before.
        size: long side in pixels.

    Raises:
        InputError: it is no clip that can be read, or has too few frames.
    """
    frames: list[Tensor] = []
    for frame in islice(open_source(path).frames(), skip, skip + count):
        rgb = torch.from_numpy(frame.pixels).permute(2, 0, 1)[None].float() / 255
        frames.append(resize(Picture(rgb), size).rgb)
    if len(frames) < BEGINNING + 2:
        raise InputError(
            f"{path} has {len(frames)} frames after {skip}: {BEGINNING + 2} are needed"
        )
    cuts = Cuts()
    begins = [cuts(frame) for frame in frames]
    moves = [
        None if begin else found_motion(last, now)
        for (last, now), begin in zip(pairwise(frames), begins[1:], strict=True)
    ]
    return Clip(shown_name(path.stem), frames, moves)


def windows(path: Path, count: int, size: int) -> list[Clip]:
    """Clips of a photo whose motion is known: a pan, a zoom and a turn."""
    photo = resize(load_image(path), round(size * WINDOW))
    shape = (int(photo.size[1] / WINDOW) // 4 * 4, int(photo.size[0] / WINDOW) // 4 * 4)
    clips = []
    for motion in MOTIONS:
        frames, moves = moving_window(photo.rgb, motion, count, shape)
        clips.append(Clip(f"{shown_name(path.stem)}, {motion}", frames, moves))
    return clips
