"""Folders of numbered frames as clips to paint: ``frames/`` or ``frames/frame_%04d.png``."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image.decoding import calm_pil
from fst.image.formats import open_picture
from fst.image.io import load_image
from fst.image.picture import _DECODER_ERRORS, Picture, to_pil
from fst.image.profiles import rgb_to_srgb
from fst.inference.video.frames import About, Frame, check_pixels
from fst.inference.video.series import Naming, find_series, is_pattern, read_pattern

RATE = Fraction(25)
"""Frames a second, where none is given."""

_TURNED = (5, 6, 7, 8)
"""EXIF orientations that exchange width and height."""


def is_folder(path: Path) -> bool:
    """Whether frames are to be looked for there: a folder, or a pattern."""
    return path.is_dir() or is_pattern(path)


def open_folder(path: Path, max_pixels: int = MAX_PIXELS, rate: Fraction = RATE) -> "Folder":
    """The clip in a folder of frames, or in those of a pattern.

    Args:
        path: a folder with one series of numbered pictures, or ``frames/frame_%04d.png``.
        max_pixels: refuse more than this, of a frame.
        rate: frames a second.

    Raises:
        InputError: no frames, several series, gaps in the numbers, or frames of several sizes.
    """
    folder = path if path.is_dir() else path.parent
    if not folder.is_dir():
        raise InputError(f"no folder {str(folder)!r}")
    wanted = None if path.is_dir() else read_pattern(path)
    naming, files, notes = find_series(folder, wanted)
    return Folder(path, naming, files, max_pixels, rate, notes)


class Folder:
    """A :class:`~fst.inference.video.frames.Source`: pictures of consecutive numbers.

    They may be of any kind that ``fst stylize`` reads. Frames have sRGB's colors, whatever profile
    a picture has.

    Args:
        path: as it was given.
        naming: what the frames are called.
        files: number -> picture, in order, without gaps.
        max_pixels: refuse more than this, of a frame.
        rate: frames a second.
        notes: lines on what was passed over.

    Raises:
        InputError: frames of several sizes, none that can be read, or too large ones.
    """

    def __init__(
        self,
        path: Path,
        naming: Naming,
        files: dict[int, Path],
        max_pixels: int,
        rate: Fraction,
        notes: list[str],
    ) -> None:
        self.path, self.notes = path, notes
        self._files, self._max_pixels, self._rate = list(files.values()), max_pixels, rate
        width, height = self._size()
        self.about = About(
            width, height, rate, len(files), len(files) / rate, 1 / rate, False, "folder",
            {"naming": naming, "first": min(files)},
        )  # fmt: skip

    def frames(self) -> Iterator[Frame]:
        """All frames that can be read, from the first one.

        Raises:
            InputError: none can.
        """
        number, failed = 0, list[str]()
        for place, file in enumerate(self._files):
            try:
                picture = load_image(file, self._max_pixels, 1)
            except InputError as error:
                failed.append(str(error))
                continue
            if picture.size != (self.about.width, self.about.height):
                failed.append(f"{file} has another size")  # now: it was looked at before
                continue
            pixels, alpha = as_arrays(picture)
            yield Frame(pixels, number, place / self._rate, 1 / self._rate, alpha)
            number += 1
        if number == 0:
            raise InputError(failed[0])
        if failed:
            count = "1 frame is" if len(failed) == 1 else f"{len(failed)} frames are"
            line = f"{count} left out: {failed[0]}"
            if line not in self.notes:
                self.notes.append(line)

    def _size(self) -> tuple[int, int]:
        """Of all frames; those that can't be opened are told when it is their turn."""
        first: tuple[Path, tuple[int, int]] | None = None
        problem = ""
        for file in self._files:
            try:
                size = _upright_size(file)
            except InputError as error:
                problem = problem or str(error)
                continue
            except _DECODER_ERRORS:
                continue
            if first is None:
                first = file, size
            elif size != first[1]:
                (a, b), (c, d) = size, first[1]
                raise InputError(
                    f"{file} is {a}x{b}, and {first[0].name} {c}x{d}: the frames of a clip have "
                    "one size"
                )
        if first is None:
            raise InputError(problem or f"{self._files[0]} can't be decoded")
        width, height = first[1]
        check_pixels(first[0], width, height, self._max_pixels)
        return width, height


def as_arrays(picture: Picture) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Colors ``(H, W, 3)`` in sRGB, and alpha ``(H, W)`` or None, of a decoded picture."""
    pixels = np.array(rgb_to_srgb(to_pil(picture.rgb), picture.icc_profile))
    if picture.alpha is None or bool((picture.alpha == 1).all()):
        return pixels, None
    return pixels, np.array(to_pil(picture.alpha))


def _upright_size(file: Path) -> tuple[int, int]:
    with calm_pil(), open_picture(file, str(file)) as image:
        width, height = image.size
        # a PNG would be decoded to look behind its pixels, too
        notes = "exif" in image.info or image.format in ("JPEG", "MPO", "TIFF")
        turned = notes and image.getexif().get(0x0112) in _TURNED
        return (height, width) if turned else (width, height)
