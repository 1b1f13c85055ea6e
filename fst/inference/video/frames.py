"""What a clip is to the rest of the program: frames, and what is said of all of them.

Readers (:class:`Source`) make them of files; writers (:class:`Sink`) make files of them; what
paints lies between and knows neither.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fst.errors import InputError


@dataclass(frozen=True)
class Frame:
    """One picture of a clip, upright.

    Attributes:
        pixels: RGB, ``(H, W, 3)``, uint8, contiguous.
        number: from 0, of the frames that could be decoded.
        time: when it is shown, in seconds, exactly as the source says.
        duration: for how long, in seconds; None is until the next one.
        alpha: ``(H, W)``, uint8; None is opaque.
    """

    pixels: NDArray[np.uint8]
    number: int
    time: Fraction
    duration: Fraction | None = None
    alpha: NDArray[np.uint8] | None = None

    @property
    def image(self) -> Image.Image:
        """As a PIL picture, with its alpha."""
        image = Image.fromarray(self.pixels)
        if self.alpha is not None:
            image.putalpha(Image.fromarray(self.alpha))
        return image


@dataclass(frozen=True)
class About:
    """What is known of a clip before its frames are decoded.

    Attributes:
        width: of the upright frames, in pixels, and so is ``height``.
        rate: frames a second, in the mean.
        frames: how many there should be; None where the file doesn't say.
        duration: in seconds; None where the file doesn't say.
        time_base: in which times are whole numbers, in seconds.
        variable: the frame rate varies, as far as the file says.
        kind: ``"video"``, ``"animation"`` or ``"folder"``.
        details: what writers carry over: pixel aspect, color, loop count and the like.
    """

    width: int
    height: int
    rate: Fraction
    frames: int | None
    duration: Fraction | None
    time_base: Fraction
    variable: bool = False
    kind: str = "video"
    details: Mapping[str, Any] = field(default_factory=dict)


def check_pixels(path: Path, width: int, height: int, max_pixels: int) -> None:
    """Refuses frames that are too large.

    Args:
        path: of the clip, or of a frame.
        width: of a frame, in pixels.
        height: likewise.
        max_pixels: that are allowed.

    Raises:
        InputError: says how many there are, and how to allow them.
    """
    if width * height > max_pixels:
        raise InputError(
            f"{path}: {width}x{height} is {width * height / 1e6:.0f} megapixels, over the limit "
            f"of {max_pixels / 1e6:.0f}; raise it with max_pixels (--max-pixels)"
        )


class Source(Protocol):
    """A clip to paint."""

    path: Path
    about: About
    notes: list[str]
    """What was found on the way, in a line each: damaged frames, a tail that is missing. Grows
    while frames are read, and says each thing once."""

    def frames(self) -> Iterator[Frame]:
        """All frames that can be decoded, from the first one; the same ones at every call."""
        ...


class Sink(Protocol):
    """Where painted frames go: in segments, each written whole, joined at the end.

    A segment is a file or a folder of its own, so that a painting that was interrupted goes on with
    the first one that is missing.
    """

    suffix: str
    """Of a segment's name, as ``".mkv"``; empty for a folder."""

    transparent: bool
    """Whether it takes frames with alpha."""

    def write_segment(self, path: Path, frames: Iterable[Frame]) -> None:
        """Writes the frames to ``path``, which is renamed afterwards; takes them one by one.

        Raises:
            OSError: the disk is full, and the like.
            InputError: this can't be encoded.
        """
        ...

    def join(self, segments: list[Path], target: Path) -> list[str]:
        """Makes the finished clip of all segments, with the source's sound; whole or not at all.

        Returns:
            Lines to say, as of a sound track that the format can't hold.
        """
        ...
