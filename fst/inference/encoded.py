"""Many pictures without files: decoded, painted, encoded; one that fails is a line.

Small pictures that are painted at one size go through the net together. While some are painted,
the next ones are decoded and those before are encoded.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import torch

from fst.errors import FstError, in_a_line
from fst.image.picture import Picture
from fst.inference.batch import LARGE
from fst.inference.control import Canvas, Control, Layer, paint_together, prepared
from fst.inference.stylizers import FeedForwardStylizer
from fst.system.memory import is_out_of_memory

HELD = 16_000_000
"""Pixels of small pictures that may wait for others of their size."""

FEEDING = 8
"""Threads that decode, and that encode, for an accelerator, where there are as many cores."""


class Painted(NamedTuple):
    """What became of a picture: the bytes of its file, or why there is none, in one line."""

    content: bytes | None
    error: str | None


def paint_encoded(
    given: Sequence[Any],
    stylizer: FeedForwardStylizer,
    control: Control,
    decode: Callable[[Any], Picture],
    encode: Callable[[Picture], bytes],
) -> list[Painted]:
    """Paints what was given, whatever it is decoded from.

    Args:
        given: one for each picture.
        stylizer: what paints.
        control: size, strength and the like.
        decode: makes a picture of one that was given; called in other threads, as the next one is.
        encode: makes a file's bytes of a painted picture.

    Returns:
        One for each that was given, in order.
    """
    threads = 1 if stylizer.device.type == "cpu" else max(1, min(FEEDING, os.cpu_count() or 1))
    with ExitStack() as stack:
        readers, writers = ThreadPoolExecutor(threads), ThreadPoolExecutor(threads)
        for pool in (writers, readers):
            stack.callback(pool.shutdown, cancel_futures=True)
        work = _Work(stylizer, control, writers, encode, threads, [None] * len(given))
        layers = [Layer(stylizer)]
        reading: deque[Future[Canvas]] = deque()
        begun = 0

        def read(one: Any) -> Canvas:
            return prepared(decode(one), layers, control)

        for place in range(len(given)):
            if begun == place:
                reading.append(readers.submit(read, given[place]))
                begun += 1
            try:
                canvas = reading.popleft().result()
            except (FstError, OSError, RuntimeError, MemoryError) as problem:
                work.results[place] = Painted(None, said(problem))
                continue
            # none beside a large one, to save memory
            large = canvas.photo.shape[2] * canvas.photo.shape[3] > LARGE
            while not large and begun < min(len(given), place + 1 + threads):
                reading.append(readers.submit(read, given[begun]))
                begun += 1
            work.add(place, canvas, large)
            del canvas
        return work.finished()


class _Work:
    """Canvases that wait for others of their size, and painted pictures that are encoded."""

    def __init__(
        self,
        stylizer: FeedForwardStylizer,
        control: Control,
        writers: ThreadPoolExecutor,
        encode: Callable[[Picture], bytes],
        threads: int,
        results: list[Painted | None],
    ) -> None:
        self.stylizer, self.control, self.results = stylizer, control, results
        self.writers, self.encode, self.threads = writers, encode, threads
        self.writing: deque[tuple[int, Future[bytes]]] = deque()
        self.waiting: dict[torch.Size, list[tuple[int, Canvas]]] = {}

    def add(self, place: int, canvas: Canvas, large: bool) -> None:
        """Paints it, now or with the next ones."""
        shape = canvas.small.shape
        several = 1
        if not self.control.seamless and canvas.parts:
            several = self._several(shape)
        if several == 1:
            self._paint([(place, canvas)], large)
            return
        group = self.waiting.setdefault(shape, [])
        group.append((place, canvas))
        if len(group) >= several:
            self._paint(self.waiting.pop(shape))
        held = sum(
            one.photo.shape[2] * one.photo.shape[3]
            for group in self.waiting.values()
            for _, one in group
        )
        if held > HELD:
            self._paint_all()

    def finished(self) -> list[Painted]:
        """All results, once they are there."""
        self._paint_all()
        self._take(0)
        found = [one for one in self.results if one is not None]
        assert len(found) == len(self.results)
        return found

    def _several(self, shape: torch.Size) -> int:
        try:
            return self.stylizer.several(shape[2], shape[3])
        except FstError:  # a net that can't be predicted: it is said of each picture
            return 1

    def _paint_all(self) -> None:
        while self.waiting:
            self._paint(self.waiting.popitem()[1])

    def _paint(self, group: list[tuple[int, Canvas]], large: bool = False) -> None:
        try:
            made = paint_together([canvas for _, canvas in group], self.stylizer)
        except (FstError, OSError, RuntimeError, MemoryError) as problem:
            line = said(problem)
            if len(group) == 1:
                self.results[group[0][0]] = Painted(None, line)
            else:  # whose fault it was
                for one in group:
                    self._paint([one])
            return
        for (place, _), picture in zip(group, made, strict=True):
            self.writing.append((place, self.writers.submit(self.encode, picture)))
        self._take(0 if large else len(made) + self.threads)

    def _take(self, allowed: int) -> None:
        """Takes what is encoded; waits until no more than ``allowed`` are left."""
        while len(self.writing) > allowed:
            place, writing = self.writing.popleft()
            try:
                self.results[place] = Painted(writing.result(), None)
            except (FstError, OSError, RuntimeError, MemoryError) as problem:
                self.results[place] = Painted(None, said(problem))


def said(problem: Exception) -> str:
    """One line on a picture that failed; what is a mistake of ours is raised again."""
    if isinstance(problem, FstError):
        return in_a_line(problem)
    if isinstance(problem, OSError):
        where = f"{problem.filename}: " if problem.filename else ""
        return in_a_line(f"{where}{problem.strerror or problem}")
    if isinstance(problem, RuntimeError) and not is_out_of_memory(problem):
        raise problem
    return "out of memory: try a smaller size or memory"
