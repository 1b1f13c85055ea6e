"""What an animated GIF, WebP or PNG says before its pixels: how long each frame is shown."""

import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

from fst.errors import InputError
from fst.inference.video.gif import read_layout

SHORTEST, SHOWN = Fraction(1, 100), Fraction(1, 10)
"""Seconds: frames of no more than the first are shown for the second, by browsers and players."""

WEBP_FLAGS, WEBP_ALPHA = 20, 0x10
"""The byte of a WebP that says what it has, and the bit of it for alpha (RFC 9649, 2.7)."""


@dataclass(frozen=True)
class Headers:
    """What an animation's file says before its pixels.

    Attributes:
        format: ``"GIF"``, ``"WEBP"`` or ``"PNG"``.
        delays: how long each frame is shown, in seconds, as the file says.
        plays: how often it is played; 0 is without end.
        apart: the first picture is none of the animation, but for programs that know none.
        cut_off: the file ends before the animation does.
    """

    format: str
    delays: tuple[Fraction, ...]
    plays: int
    apart: bool = False
    cut_off: bool = False


def is_animation(path: Path) -> bool:
    """Whether a file is a GIF, WebP or PNG of several frames; never an error."""
    try:
        # a pipe would be waited for
        found = read_headers(path) if path.is_file() else None
    except (OSError, InputError):
        return False
    return found is not None and len(found.delays) > 1


def read_headers(path: Path) -> Headers | None:
    """What a file says of its frames; None where it is of another kind.

    Raises:
        InputError: it is cut off within its head.
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        start = file.read(12)
        if start.startswith(b"\x89PNG\r\n\x1a\n"):
            return _of_png(file)
        if start.startswith(b"RIFF") and start.endswith(b"WEBP"):
            return _of_webp(file)
    if not start.startswith((b"GIF87a", b"GIF89a")):
        return None
    layout = read_layout(path)
    delays = tuple(Fraction(part.delay, 100) for part in layout.parts)
    return Headers("GIF", delays, layout.plays, cut_off=layout.cut_off)


def shown_for(delay: Fraction) -> Fraction:
    """How long viewers show a frame, in seconds, of which the file says ``delay``."""
    return SHOWN if delay <= SHORTEST else delay


def _of_png(file: IO[bytes]) -> Headers:
    """Of a PNG, by its chunks.

    Source:
        W3C 2025, "Portable Network Graphics (third edition)", section 11.3.6.
    """
    delays: list[Fraction] = []
    count, plays, apart = 0, 1, False
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        after = file.tell() + length + 4
        if kind == b"acTL" and length >= 8:
            count, plays = struct.unpack(">II", file.read(8))
        elif kind == b"fcTL" and length >= 26:
            control = file.read(26)
            if len(control) == 26:
                numerator, denominator = struct.unpack(">HH", control[20:24])
                delays.append(Fraction(numerator, denominator or 100))
        elif kind == b"IDAT" and not delays:
            apart = True
            if not count:  # a still picture: its pixels need not be passed
                break
        file.seek(after)
    return Headers("PNG", tuple(delays[:count]), plays, apart, len(delays) < count)


def _of_webp(file: IO[bytes]) -> Headers:
    """Of a WebP, by its chunks.

    Source:
        RFC 9649, section 2.7.
    """
    delays: list[Fraction] = []
    plays = 1
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, length = struct.unpack("<4sI", head)
        after = file.tell() + length + length % 2
        content = file.read(16) if kind in (b"ANIM", b"ANMF") else b""
        if kind == b"ANIM" and len(content) >= 6:
            (plays,) = struct.unpack("<H", content[4:6])
        elif kind == b"ANMF" and len(content) == 16:
            delays.append(Fraction(int.from_bytes(content[12:15], "little"), 1000))
        file.seek(after)
    return Headers("WEBP", tuple(delays), plays)
