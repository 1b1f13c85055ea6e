"""Which reader reads a clip."""

from fractions import Fraction
from pathlib import Path

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.inference.video.animation import open_animation
from fst.inference.video.animation_headers import is_animation
from fst.inference.video.clip import Clip
from fst.inference.video.folder import RATE, is_folder, open_folder
from fst.inference.video.frames import Source


def open_source(
    path: str | Path, max_pixels: int = MAX_PIXELS, rate: Fraction | None = None
) -> Source:
    """The frames of a clip.

    Args:
        path: of a video, an animated GIF, WebP or PNG, a folder of numbered frames, or a pattern
            for them.
        max_pixels: of a frame; more are refused.
        rate: frames a second, of a folder; None is :data:`~fst.inference.video.folder.RATE`.

    Raises:
        InputError: it is none that can be read; a rate for what has its own.
    """
    path = Path(path)
    if is_folder(path):
        return open_folder(path, max_pixels, RATE if rate is None else rate)
    if rate is not None and path.exists():
        raise InputError(f"rate (--rate) is for folders of frames: {path} has its own")
    if is_animation(path):
        return open_animation(path, max_pixels)
    return Clip(path, max_pixels)
