"""Frames with transparency for formats that have none."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fst.inference.video.frames import Frame, Source

SAID = "the result's format has no transparency: white is put behind"


def on_white(source: Source) -> Iterator[Frame]:
    """A clip's frames, laid on white where they are transparent, as on a page; a note says so.

    Args:
        source: the clip; its notes grow.
    """
    for frame in source.frames():
        if frame.alpha is None:
            yield frame
            continue
        if SAID not in source.notes:
            source.notes.append(SAID)
        yield replace(frame, pixels=laid_on_white(frame.pixels, frame.alpha), alpha=None)


def laid_on_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colors over white, rounded to the nearest.

    Args:
        pixels: RGB, ``(H, W, 3)``.
        alpha: ``(H, W)``; 255 is opaque.
    """
    parts = alpha[..., None].astype(np.uint16)  # 255 times 255 fits
    mixed = pixels * parts + 255 * (255 - parts)
    return ((mixed + 127) // 255).astype(np.uint8)
