"""A part of a clip, to try a style on; and what its frames are once they are painted."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from fst.choices import MIN_SIDE
from fst.errors import InputError
from fst.inference.control import Control
from fst.inference.video.frames import About, Frame, Source

_NEAR = 32
"""Pixels by which a long side may be smaller than was asked for, to have two even sides."""


@dataclass(frozen=True)
class Piece:
    """From where to where a clip is painted, in seconds as players show them.

    Attributes:
        start: of the piece.
        seconds: its length; None is to the end.
    """

    start: Fraction = Fraction(0)
    seconds: Fraction | None = None

    def __bool__(self) -> bool:
        """Whether it is less than all."""
        return self.start > 0 or self.seconds is not None


class Painted:
    """A clip as it is going to be painted: a :class:`~fst.inference.video.frames.Source`.

    Its frames are those of the piece, and their times begin with it. ``about`` has the size of
    painted frames; where the piece is not all, ``details["piece"]`` says from when to when it is
    (None: to the end), in the file's own time, and ``details["start"]`` is its beginning.

    Args:
        source: the clip.
        piece: of it.
        control: with the size to paint at.
    """

    def __init__(self, source: Source, piece: Piece, control: Control) -> None:
        self.source, self.path, self.notes = source, source.path, source.notes
        about = source.about
        width, height = painted_size(about, control)
        self.about = replace(about, width=width, height=height)
        self._piece = piece
        if not piece:
            return
        length = about.duration or (about.frames and about.frames / about.rate)
        if length and piece.start >= length:
            raise InputError(
                f"{source.path} has {float(length):.6g} seconds: nothing starts at "
                f"{float(piece.start):.6g} (--start)"
            )
        left = length and min(length - piece.start, piece.seconds or length)
        begin = about.details.get("start", Fraction(0)) + piece.start
        end = None if piece.seconds is None else begin + piece.seconds
        self.about = replace(
            self.about, duration=left or piece.seconds,
            frames=None if left is None else max(1, math.ceil(left * about.rate)),
            details={**about.details, "start": begin, "piece": (begin, end)},
        )  # fmt: skip

    def frames(self) -> Iterator[Frame]:
        """Those of the piece, with numbers from 0."""
        start, seconds = self._piece.start, self._piece.seconds
        number = 0
        for frame in self.source.frames():
            time = frame.time - start
            if seconds is not None and time >= seconds:
                return
            if time >= 0:
                yield replace(frame, number=number, time=time)
                number += 1


def painted_size(about: About, control: Control) -> tuple[int, int]:
    """Width and height of the painted frames, in pixels."""
    if control.size is None or control.upsample is not None:
        return about.width, about.height
    return _at(about, control.size)


def _at(about: About, size: int) -> tuple[int, int]:
    """As :func:`fst.image.picture.resize` makes it."""
    scale = size / max(about.width, about.height)
    return max(1, round(about.width * scale)), max(1, round(about.height * scale))


def with_even_sides(control: Control, about: About) -> Control:
    """The same with a size that gives frames of even sides, at most a little smaller.

    Most players show no videos of odd sides. Where nothing near fits, it stays as it was asked for.
    """
    if control.size is None or control.upsample is not None:
        return control
    for size in range(control.size, max(control.size - _NEAR, MIN_SIDE - 1), -1):
        if not any(side % 2 for side in _at(about, size)):
            return replace(control, size=size)
    return control
