"""Which reader reads a clip."""

from fractions import Fraction
from pathlib import Path

from fst.choices import MAX_PIXELS
from fst.inference.video.clip import Clip
from fst.inference.video.frames import Source


def open_source(
    path: str | Path, max_pixels: int = MAX_PIXELS, rate: Fraction | None = None
) -> Source:
    """The frames of a clip.

    Args:
        path: of a video file.
        max_pixels: of a frame; more are refused.
        rate: frames a second, for what has none of its own; a video file has.

    Raises:
        InputError: it is none that can be read.
    """
    return Clip(Path(path), max_pixels)
