"""A clip, painted: decoded ahead, encoded behind, segment by segment, joined at the end."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from fst.errors import InputError
from fst.image.arrays import from_array, like_array
from fst.image.picture import Picture
from fst.inference.video.frames import Frame, Sink, Source
from fst.inference.video.opaque import on_white
from fst.inference.video.segments import Done, Parts
from fst.inference.video.threads import ahead, behind
from fst.system.signals import stop_if_asked


class NetPainter(Protocol):
    """What paints one frame after the other, as :class:`~fst.inference.video.steady.SteadyPainter`.

    It may look back at the frames before.
    """

    def __call__(self, picture: Picture) -> Picture:
        """The next frame, painted."""
        ...

    def reset(self) -> None:
        """Forgets the frames before."""
        ...

    def state(self) -> dict[str, Tensor]:
        """What it remembers of them."""
        ...

    def restore(self, state: dict[str, Tensor]) -> None:
        """Remembers that."""
        ...


@dataclass(frozen=True)
class _Painted:
    """A painted frame on its way to the encoder; with the state behind it where a segment ends."""

    frame: Frame
    ends: bool
    last: bool
    state: dict[str, Tensor] | None = None


def paint_clip(
    source: Source,
    sink: Sink,
    painter: NetPainter,
    parts: Parts,
    length: int,
    on_frame: Callable[[int], None] | None = None,
) -> list[Path]:
    """Paints what is missing of a clip.

    Args:
        source: the clip; what is transparent is laid on white for a sink that takes no alpha.
        sink: writes its segments.
        painter: of frames.
        parts: where the segments go, and what is there of them.
        length: of a segment, in frames.
        on_frame: is told after each frame how many there are by now, and once at the beginning.

    Returns:
        All segments; ``source.notes`` has what was found on the way.

    Raises:
        InputError: no frame can be decoded, and what source and sink raise.
        OSError: no room on the disk.
    """
    done = parts.done()
    _go_on(source, painter, done)
    if on_frame is not None:
        on_frame(done.frames)
    if done.ended:
        return parts.paths(done.segments)
    segments = done.segments

    def write(items: Iterator[_Painted]) -> None:
        nonlocal segments
        for first in items:
            written = _Segment(chain([first], items))
            sink.write_segment(parts.unfinished(segments), written)
            written.check()
            last = written.last
            notes = tuple(source.notes) if last.last else ()
            parts.keep(segments, written.count, last.state or {}, last.last, notes)
            segments += 1

    frames = source.frames() if sink.transparent else on_white(source)
    with ahead(with_last(frames, done.frames)) as decoded, behind(write) as put:
        for number, (frame, last) in enumerate(decoded, done.frames + 1):
            # floats take four times the memory: no more than one frame is there in them
            painted = with_pixels(frame, painter(as_picture(frame)))
            ends = last or number % length == 0
            # a copy, since the painter goes on while it is written
            state = {name: one.clone() for name, one in painter.state().items()} if ends else None
            put(_Painted(painted, ends, last, state))
            if on_frame is not None:
                on_frame(number)
            stop_if_asked()
    if not segments:
        raise InputError(f"{source.path}: there is no frame to paint")
    return parts.paths(segments)


def _go_on(source: Source, painter: NetPainter, done: Done) -> None:
    """Makes source and painter know what they did after the frames that are painted already."""
    source.notes.extend(note for note in done.notes if note not in source.notes)
    painter.reset()
    if done.state is None:
        source.notes.append(
            f"what was remembered of the frames before can't be read: the painter begins anew at "
            f"frame {done.frames}"
        )
    elif done.state:
        painter.restore(done.state)


class _Segment:
    """The frames of one segment, taken one by one; remembers the last."""

    def __init__(self, items: Iterator[_Painted]) -> None:
        self._items = items
        self.last: _Painted
        self.count, self._whole = 0, False

    def __iter__(self) -> Iterator[Frame]:
        for item in self._items:
            self.last = item
            self.count += 1
            yield item.frame
            if item.ends:
                self._whole = True
                return

    def check(self) -> None:
        """That the writer has taken all of it."""
        if not self._whole:
            raise RuntimeError("a segment was written without its last frame")


def with_last(frames: Iterable[Frame], skip: int = 0) -> Iterator[tuple[Frame, bool]]:
    """Frames, and of each whether it is the last.

    Args:
        frames: of a clip.
        skip: so many are left out at the beginning.
    """
    waiting: Frame | None = None
    for number, frame in enumerate(frames):
        if number < skip:
            continue
        if waiting is not None:
            yield waiting, False
        waiting = frame
    if waiting is not None:
        yield waiting, True


def as_picture(frame: Frame) -> Picture:
    """A frame in [0, 1], as photos are."""
    pixels = frame.pixels if frame.alpha is None else np.dstack([frame.pixels, frame.alpha])
    return from_array(pixels, "frame")[0]


def with_pixels(frame: Frame, picture: Picture) -> Frame:
    """The same place in the clip, with a painted picture of 8 bits."""
    pixels = like_array([picture], frame.pixels)
    if picture.alpha is None:
        return replace(frame, pixels=pixels, alpha=None)
    opaque = np.ascontiguousarray(pixels[..., :3])
    return replace(frame, pixels=opaque, alpha=np.ascontiguousarray(pixels[..., 3]))
