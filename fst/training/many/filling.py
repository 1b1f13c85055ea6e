"""Fills a bank's cache: decodes paintings ahead, measures them, and tells how far it is."""

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console

from fst.data.disk_cache import shown
from fst.errors import InputError
from fst.image.painting import open_painting
from fst.image.picture import Picture, resize
from fst.loss_networks.vgg import VGG19
from fst.training.many.measured import Seen, measure, write_measured
from fst.training.many.paintings import Painting
from fst.training.reporting.progress import format_seconds

SECONDS = 60.0
"""Between two lines that tell how far the measuring is."""


def fill(
    paintings: list[Painting],
    seen: Seen,
    folder: Path,
    network: VGG19,
    slim: VGG19,
    say: Callable[[str], None] | None,
) -> None:
    """Measures paintings and writes a file for each.

    Args:
        paintings: that the cache lacks.
        seen: how they are to be seen.
        folder: the cache.
        network: that judges.
        slim: whose moments a predictor reads.
        say: told how far it is; None draws a bar where one can be drawn.

    Raises:
        InputError: there is no room for all of them, or one is no picture any more.
    """
    left = len(paintings)
    title = f"measuring {left} paintings as {network.source} sees them, kept in {folder}"
    for painting, picture in _told(_decoded_ahead(paintings, max(seen.sizes)), left, title, say):
        measured = measure(picture, painting.sha256, seen, network, slim)
        needed = left * sum(tensor.nbytes for tensor in measured.values())
        with room_for(folder):
            if (free := shutil.disk_usage(folder).free) < needed:
                raise InputError(
                    f"{folder} has {free / 1e9:.1f} GB of room, and what is seen in {left} "
                    f"paintings takes {needed / 1e9:.1f}: make room, give another folder "
                    "(paintings.cache=FOLDER), or fewer paintings, sizes or variants"
                )
            path = seen.file(folder, painting.sha256)
            write_measured(path, measured, seen.about(painting.sha256))
        left -= 1


def _decoded_ahead(paintings: Sequence[Painting], size: int) -> Iterator[tuple[Painting, Picture]]:
    """The paintings with their pictures, which threads decode while others are measured."""
    waiting = deque(paintings)
    ahead: deque[tuple[Painting, Future[Picture]]] = deque()
    threads = min(4, os.cpu_count() or 1)
    pool = ThreadPoolExecutor(threads, "paintings")
    try:
        while waiting or ahead:
            while waiting and len(ahead) <= threads:
                painting = waiting.popleft()
                ahead.append((painting, pool.submit(_picture, painting, size)))
            painting, picture = ahead.popleft()
            yield painting, picture.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _picture(painting: Painting, size: int) -> Picture:
    """A painting, at most twice as large as it is seen: what is larger only costs time."""
    picture = open_painting(painting.path, 2 * size)
    return resize(picture, 2 * size) if max(picture.size) > 2 * size else picture


def _told(
    rows: Iterator[tuple[Painting, Picture]],
    count: int,
    title: str,
    say: Callable[[str], None] | None,
) -> Iterator[tuple[Painting, Picture]]:
    """The rows; tells how far it is."""
    if say is None and Console().is_interactive:
        yield from shown(rows, title, count)
        return
    say = say or partial(print, flush=True)
    say(title)
    began = said = time.monotonic()
    for number, row in enumerate(rows):
        now = time.monotonic()
        if number and now - said >= SECONDS:
            left = format_seconds((now - began) / number * (count - number))
            say(f"{number} of {count} paintings are measured, {left} left")
            said = now
        yield row


@contextmanager
def room_for(folder: Path) -> Iterator[None]:
    """Says in a line that a disk is full, or that it fails: what is measured by then stays.

    Raises:
        InputError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        raise InputError(
            f"can't keep the paintings' statistics in {folder}: {error.strerror or error}; make "
            "room and start again (what is there is kept), or give paintings.cache=FOLDER"
        ) from error
