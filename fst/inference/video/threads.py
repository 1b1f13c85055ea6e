"""What is made ahead of its use and written behind its making: threads with little room between.

An error of such a thread is raised where its work is used. While the room is full the maker waits,
so that memory stays flat however fast one of them is.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Full, Queue
from typing import Generic, TypeVar

from fst.system.signals import stop_if_asked

T = TypeVar("T")

ROOM = 2
"""Frames that wait between two threads: enough that none waits for a frame that takes longer."""

_LOOK = 0.2
"""Seconds after which a thread that waits looks whether the other has gone."""


class Abandoned(Exception):
    """Raised where a writer takes its next item: what it writes is not wanted any more."""


@dataclass(frozen=True)
class _End:
    """Follows the last item; with the error that it ended on."""

    error: BaseException | None = None


@contextmanager
def ahead(items: Iterable[T], room: int = ROOM) -> Iterator[Iterator[T]]:
    """Makes the items in a thread, up to ``room`` before they are taken.

    Args:
        items: iterated, and closed where it is a generator, in the thread alone.
        room: how many wait.

    Yields:
        The same items; raises what ``items`` raises, where it does.
    """
    queue: Queue[T | _End] = Queue(room)
    left = threading.Event()

    def make() -> None:
        end = _End()
        try:
            for item in items:
                if not _put(queue, item, left):
                    break
        except BaseException as error:
            end = _End(error)
        finally:
            if (close := getattr(items, "close", None)) is not None:
                close()
        _put(queue, end, left)

    def taken() -> Iterator[T]:
        while True:
            item = _get(queue)
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    thread = threading.Thread(target=make, name="fst-decode", daemon=True)
    thread.start()
    try:
        yield taken()
    finally:
        left.set()
        thread.join()


class _Writing(Generic[T]):
    """A writer in a thread, and the items on their way to it."""

    def __init__(self, write: Callable[[Iterator[T]], None], room: int) -> None:
        self._queue: Queue[T | _End] = Queue(room)
        self._gone, self._unwanted = threading.Event(), threading.Event()
        self._error: BaseException | None = None
        self._write = write
        self.thread = threading.Thread(target=self._run, name="fst-encode", daemon=True)

    def _run(self) -> None:
        try:
            self._write(self._items())
        except Abandoned:
            pass
        except BaseException as error:
            self._error = error
        finally:
            self._gone.set()

    def _items(self) -> Iterator[T]:
        while True:
            try:
                item = self._queue.get(timeout=_LOOK)
            except Empty:
                item = None
            if self._unwanted.is_set():
                raise Abandoned
            if isinstance(item, _End):
                return
            if item is not None:
                yield item

    def put(self, item: T | _End) -> None:
        """Hands an item over; raises what the writer has ended on."""
        if not _put(self._queue, item, self._gone):
            self.check()
            raise RuntimeError("the writer has ended before the last item")

    def check(self) -> None:
        """Raises what the writer has ended on, if it has."""
        if self._error is not None:
            raise self._error

    def abandon(self) -> None:
        """Ends the writer where it is, and waits for that."""
        self._unwanted.set()
        self.thread.join()


@contextmanager
def behind(write: Callable[[Iterator[T]], None], room: int = ROOM) -> Iterator[Callable[[T], None]]:
    """Writes in a thread what is handed over.

    Where the block ends well, so has the writing. Where it raises, the writer meets
    :class:`Abandoned` at its next item.

    Args:
        write: takes the items one by one.
        room: how many wait.

    Yields:
        What hands an item over; it and the end of the block raise what ``write`` raises.
    """
    writing = _Writing(write, room)
    writing.thread.start()
    try:
        yield writing.put
        writing.put(_End())
        while writing.thread.is_alive():  # in steps, so that a request to stop is heard everywhere
            writing.thread.join(_LOOK)
            stop_if_asked()
        writing.check()
    except BaseException:
        writing.abandon()
        raise


def _put(queue: "Queue[T]", item: T, gone: threading.Event) -> bool:
    """Whether there was room before the other side had gone."""
    while not gone.is_set():
        try:
            queue.put(item, timeout=_LOOK)
        except Full:
            continue
        return True
    return False


def _get(queue: "Queue[T]") -> T:
    while True:
        try:
            return queue.get(timeout=_LOOK)
        except Empty:
            stop_if_asked()
