"""Animated GIF, WebP and PNG as clips to paint, every frame as viewers show it."""

import math
from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image.decoding import calm_pil
from fst.image.picture import _DECODER_ERRORS, reason, upright
from fst.image.profiles import rgb_to_srgb
from fst.image.transparency import filled
from fst.inference.video.animation_headers import (
    WEBP_ALPHA,
    WEBP_FLAGS,
    Headers,
    read_headers,
    shown_for,
)
from fst.inference.video.frames import About, Frame, check_pixels
from fst.inference.video.gif import composed, read_layout

FINEST = 90_000
"""The most parts of a second that times are counted in."""


def open_animation(path: Path, max_pixels: int = MAX_PIXELS) -> "Animation":
    """The clip in a GIF, WebP or PNG.

    Args:
        path: of the file.
        max_pixels: refuse more than this, of a frame.

    Raises:
        InputError: a still picture, another kind of file, one that is damaged or too large.
    """
    headers = read_headers(path)
    if headers is None:
        raise InputError(f"{path} is no animated GIF, WebP or PNG")
    if len(headers.delays) < 2:
        raise InputError(f"{path} is a still picture: fst stylize paints it")
    return Animation(path, headers, max_pixels)


class Animation:
    """A :class:`~fst.inference.video.frames.Source`: the frames of a GIF, WebP or PNG.

    Frames have sRGB's colors, whatever profile the file has, and what is hidden under transparency
    is replaced as in photos.

    Args:
        path: of the file.
        headers: what :func:`read_headers` found in it.
        max_pixels: refuse more than this, of a frame.

    Raises:
        InputError: it can't be decoded, or is too large.
    """

    def __init__(self, path: Path, headers: Headers, max_pixels: int) -> None:
        self.path, self._headers = path, headers
        self.notes: list[str] = []
        width, height = self._size()
        check_pixels(path, width, height, max_pixels)
        delays = [shown_for(delay) for delay in headers.delays]
        duration = sum(delays, Fraction(0))
        parts = math.lcm(*(delay.denominator for delay in delays))
        self.about = About(
            width, height, len(delays) / duration, len(delays), duration,
            Fraction(1, min(parts, FINEST)), len(set(delays)) > 1, "animation",
            {"format": headers.format, "plays": headers.plays, "delays": headers.delays},
        )  # fmt: skip

    def frames(self) -> Iterator[Frame]:
        """All frames that can be decoded, from the first one.

        Raises:
            InputError: none can.
        """
        pictures = self._composed() if self._headers.format == "GIF" else self._decoded()
        time, number, damaged, count = Fraction(0), 0, 0, 0
        for delay, picture in zip(self._headers.delays, pictures, strict=False):
            count += 1
            if picture is None:
                damaged += 1
            else:
                pixels, alpha = split(picture)
                yield Frame(pixels, number, time, shown_for(delay), alpha)
                number += 1
            time += shown_for(delay)
        if number == 0:
            raise InputError(f"{self.path} can't be decoded: none of its frames is whole")
        if damaged:
            frames = "1 frame is" if damaged == 1 else f"{damaged} frames are"
            self._note(f"{frames} damaged, and left out")
        if self._headers.cut_off or count < len(self._headers.delays):
            self._note(
                f"the file is cut off or damaged after {count} frames: what is there is painted"
            )

    def _note(self, line: str) -> None:
        if line not in self.notes:
            self.notes.append(line)

    def _size(self) -> tuple[int, int]:
        if self._headers.format == "GIF":
            layout = read_layout(self.path)
            return layout.width, layout.height
        try:
            with calm_pil(), Image.open(self.path, formats=(self._headers.format,)) as image:
                width, height = upright(image).size
                return width, height
        except _DECODER_ERRORS as error:
            raise InputError(f"{self.path} can't be decoded: {reason(error)}") from error

    def _composed(self) -> Iterator[NDArray[np.uint8] | None]:
        return composed(self.path, read_layout(self.path))

    def _decoded(self) -> Iterator[NDArray[np.uint8]]:
        """By PIL, which composes WebP and PNG as their standards say; ends where it can't go on."""
        first = int(self._headers.apart)
        with self._opened() as file:
            with calm_pil():
                image = Image.open(file, formats=(self._headers.format,))
            profile = image.info.get("icc_profile")
            for number in range(first, first + len(self._headers.delays)):
                try:
                    with calm_pil():
                        image.seek(number)
                        picture = rgb_to_srgb(upright(image).convert("RGBA"), profile)
                        array = np.asarray(picture)
                except _DECODER_ERRORS:
                    return
                yield array

    def _opened(self) -> IO[bytes]:
        """The file; a WebP in memory, where PIL would have it, too.

        One whose frames are opaque, but don't cover it, may not say that it has alpha, and PIL
        takes its word for it.
        """
        if self._headers.format != "WEBP":
            return self.path.open("rb")
        content = bytearray(self.path.read_bytes())
        if content[12:16] == b"VP8X":
            content[WEBP_FLAGS] |= WEBP_ALPHA
        return BytesIO(content)


def split(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Colors ``(H, W, 3)``, and alpha ``(H, W)`` or None, of a picture ``(H, W, 4)``.

    What is hidden under transparency is replaced (:func:`~fst.image.transparency.filled`).
    """
    pixels, alpha = np.ascontiguousarray(picture[..., :3]), np.ascontiguousarray(picture[..., 3])
    if bool((alpha == 255).all()):
        return pixels, None
    rgb = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255))[None]
    seen = torch.from_numpy(alpha.astype(np.float32) / np.float32(255))[None, None]
    spread = np.rint(filled(rgb, seen)[0].numpy() * np.float32(255)).astype(np.uint8)
    return np.ascontiguousarray(spread.transpose(1, 2, 0)), alpha
