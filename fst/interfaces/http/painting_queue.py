"""Whose turn it is: pictures are painted by few threads, and only so many may wait."""

import asyncio
import heapq
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fst.interfaces.http.errors import Refused
from fst.system.cancellation import Canceled, cancelable

T = TypeVar("T")

SOON, SOMETIME, LATER = 0.0, 2.0, 5.0
"""Seconds by which what is asked now may be overtaken: previews by nothing; thumbnails by previews
of the next two seconds; full pictures by either, of the next five."""


@dataclass(order=True)
class _Task:
    due: float
    number: int
    later: float = field(compare=False)
    work: Callable[[], Any] = field(compare=False)
    future: "Future[Any]" = field(compare=False, default_factory=Future, repr=False)
    canceled: threading.Event = field(compare=False, default_factory=threading.Event)


class PaintingQueue:
    """Work that waits, and the threads that do it.

    Args:
        workers: how many threads.
        places: how many requests may wait besides those in work.
        per_client: how many of one client may be in work or wait.
    """

    def __init__(self, workers: int, places: int, per_client: int) -> None:
        self._workers, self._places, self._per_client = workers, places, per_client
        self._tasks: list[_Task] = []
        self._in_work: dict[int, _Task] = {}
        self._seats: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._count = 0
        self._seconds = 1.0
        self.stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"painter {i}", daemon=True)
            for i in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return len(self._tasks)

    @property
    def running(self) -> int:
        """How many are in work."""
        return len(self._in_work)

    @contextmanager
    def seat(self, client: str) -> Iterator[None]:
        """A place for one request, from before its body is read to when its picture is painted.

        Args:
            client: whose it is.

        Raises:
            Refused: 429, it has too much in work; 503, all places are taken, or the end is near.
        """
        with self._changed:
            self._check_open()
            if self._seats[client] >= self._per_client:
                raise Refused(
                    429,
                    f"you have {self._per_client} requests in work: wait for one of them to end",
                    {"Retry-After": str(self.seconds_to_wait())},
                )
            if self._seats.total() >= self._workers + self._places:
                raise Refused(
                    503,
                    "the queue is full: try again in a moment",
                    {"Retry-After": str(self.seconds_to_wait())},
                )
            self._seats[client] += 1
        try:
            yield
        finally:
            with self._changed:
                self._seats[client] -= 1
                if not self._seats[client]:
                    del self._seats[client]

    def seconds_to_wait(self) -> int:
        """After how many seconds there is likely to be room."""
        return max(1, min(60, math.ceil(self._seconds * (len(self._tasks) + 1) / self._workers)))

    async def run(self, work: Callable[[], T], later: float = SOON) -> T:
        """What the work gives, once it is its turn.

        Where the caller is canceled, so is the work: at once if it waits, and else at the next
        strip or iteration.

        Args:
            work: is done in another thread.
            later: :data:`SOON`, :data:`SOMETIME` or :data:`LATER`.

        Raises:
            Refused: 503, the service is stopping.
        """
        task = self._add(work, later)
        try:
            result: T = await asyncio.wrap_future(task.future)
            return result
        except Canceled:
            raise _stopping() from None
        except asyncio.CancelledError:
            self._cancel(task)
            raise

    def stop(self) -> None:
        """Tells all clients that nothing comes, and ends what is in work at its next strip."""
        with self._changed:
            self.stopping = True
            waiting, self._tasks = self._tasks, []
            for task in self._in_work.values():
                task.canceled.set()
            for task in (*self._in_work.values(), *waiting):
                _tell(task.future, None, _stopping())
            self._changed.notify_all()

    def join(self, until: float) -> None:
        """Waits for the threads to end, until then on the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _add(self, work: Callable[[], Any], later: float) -> _Task:
        with self._changed:
            self._check_open()
            self._count += 1
            task = _Task(time.monotonic() + later, self._count, later, work)
            heapq.heappush(self._tasks, task)
            self._changed.notify()
        return task

    def _cancel(self, task: _Task) -> None:
        with self._changed:
            task.canceled.set()
            if task in self._tasks:
                self._tasks.remove(task)
                heapq.heapify(self._tasks)

    def _check_open(self) -> None:
        if self.stopping:
            raise _stopping()

    def _work(self) -> None:
        """What a thread does until the end."""
        while (task := self._next()) is not None:
            self._do(task)

    def _next(self) -> _Task | None:
        with self._changed:
            while not self._tasks and not self.stopping:
                self._changed.wait()
            return None if self.stopping else self._taken()

    def _taken(self) -> _Task:
        task = heapq.heappop(self._tasks)
        self._in_work[task.number] = task
        return task

    def _do(self, task: _Task, inside: bool = False) -> None:
        """Does the work of a task.

        Args:
            task: that was taken.
            inside: it is done between two strips of another, which waits meanwhile.
        """
        began = time.monotonic()
        between = self._between if task.later == LATER else None
        result: Any = None
        problem: BaseException | None = None
        try:
            with cancelable(task.canceled, between):
                result = task.work()
        except BaseException as error:  # the thread goes on, whatever a picture does
            problem = error
        with self._changed:
            _tell(task.future, result, problem)
            del self._in_work[task.number]
            if not inside:
                self._seconds += 0.2 * (time.monotonic() - began - self._seconds)

    def _between(self) -> None:
        """Previews that wait are painted now: they take a moment, a full picture many seconds."""
        while True:
            with self._changed:
                if not self._tasks or self._tasks[0].later == LATER or self.stopping:
                    return
                task = self._taken()
            self._do(task, inside=True)


def _tell(future: "Future[Any]", result: Any, problem: BaseException | None) -> None:
    """Ends a future, unless it was canceled, or told that the service ends."""
    with suppress(InvalidStateError):
        if problem is None:
            future.set_result(result)
        else:
            future.set_exception(problem)


def _stopping() -> Refused:
    return Refused(503, "the service is stopping", {"Retry-After": "10"})
