"""The jobs of a service: whose turn it is, how they end, and when they are forgotten.

There is no list of them for anybody: only who was told a job's id can ask for it.
"""

import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fst.interfaces.http.errors import Refused
from fst.interfaces.http.job import Job, Kind, State, Work, why
from fst.system.cancellation import Canceled

KEPT_SECONDS = 3600.0
"""For which a job that has ended is remembered."""

MOST_KEPT = 20
"""Jobs of one client that have ended; the oldest are forgotten."""

UNASKED_SECONDS = 120.0
"""For which a job other than a training goes on while nobody asks about it: its page is closed."""

LOOKED_EVERY = 5.0
"""Seconds between two looks for such jobs."""

WAIT = {"Retry-After": "60"}


@dataclass(frozen=True, eq=False)
class _Entry:
    job: Job
    lane: str
    work: Work
    close: Callable[[], None]


class Jobs:
    """The jobs of a service; those of one lane are done one after the other.

    Args:
        folder: gives the one for files, which somebody else removes.
        places: how many may wait.
        per_client: how many of one client may wait or be in work.
    """

    def __init__(self, folder: Callable[[], Path], places: int, per_client: int) -> None:
        self._folder, self._places, self._per_client = folder, places, per_client
        self._entries: dict[str, _Entry] = {}  # the oldest first
        self._changed = threading.Condition(threading.RLock())
        self._threads: dict[str, threading.Thread] = {}
        self._closing = threading.Event()

    def check_room(self, client: str) -> None:
        """That a client may have another job; to be asked before its files are read, too.

        Raises:
            Refused: 429, it has too many; 503, too many wait, or the service is stopping.
        """
        with self._changed:
            if self._closing.is_set():
                raise Refused(503, "the service is stopping", {"Retry-After": "10"})
            self._forget_old()
            unfinished = self._unfinished()
            if sum(job.client == client for job in unfinished) >= self._per_client:
                told = f"you have {self._per_client} jobs in work: wait for one, or stop it"
                raise Refused(429, told, WAIT)
            if sum(job.state == "queued" for job in unfinished) >= max(1, self._places):
                raise Refused(503, "too many jobs are waiting: try again later", WAIT)

    def add(
        self,
        kind: Kind,
        client: str,
        steps: int,
        work: Work,
        close: Callable[[], None] = lambda: None,
        name: str | None = None,
    ) -> Job:
        """A new job, which waits for its turn.

        Args:
            kind: of work; trainings wait for trainings, and the others for the others.
            client: whose it is.
            steps: that it takes.
            work: does it, in a thread.
            close: called once it has ended, however it has.
            name: of the style that it is to train.

        Raises:
            Refused: as :meth:`check_room`.
        """
        with self._changed:
            self.check_room(client)
            known = secrets.token_urlsafe(24)
            job = Job(known, kind, client, self._place(known), steps, self._closing, name)
            lane = "train" if kind == "train" else "paint"
            self._entries[known] = _Entry(job, lane, work, close)
            self._start(lane, lambda: self._run(lane))
            if lane == "paint":
                self._start("watch", self._watch)
            self._changed.notify_all()
        return job

    def get(self, known: str) -> Job:
        """The job of that id, which somebody asks about.

        Raises:
            Refused: 404, there is none, or not any more.
        """
        with self._changed:
            self._forget_old()
            if known not in self._entries:
                raise Refused(404, "there is no such job, or not any more")
            job = self._entries[known].job
            job.asked = time.monotonic()
            return job

    def place_of(self, job: Job) -> int | None:
        """Its place in the queue: 1 is the next one's; None where it has begun."""
        with self._changed:
            if job.state != "queued":
                return None
            lane = self._entries[job.id].lane
            waiting = [
                entry.job
                for entry in self._entries.values()
                if entry.lane == lane and entry.job.state == "queued"
            ]
            return waiting.index(job) + 1

    @property
    def names(self) -> set[str]:
        """Of the styles that are to be trained, and are not yet."""
        with self._changed:
            return {job.name for job in self._unfinished() if job.name is not None}

    def stop(self, job: Job) -> bool:
        """Asks a job to stop; one that has ended is forgotten: then False."""
        with self._changed:
            if job.ended is not None:
                self._forget(job)
                return False
            job.stop.set()
            if job.state == "queued":
                self._end(job, "stopped")
            self._changed.notify_all()
            return True

    def stop_all(self) -> None:
        """Asks all to stop, and takes none any more; quick."""
        with self._changed:
            self._closing.set()
            for job in self._unfinished():
                self.stop(job)
            self._changed.notify_all()

    def join(self, until: float) -> None:
        """Waits for what is in work to end, until then on the monotonic clock."""
        for thread in self._threads.values():
            thread.join(max(0.0, until - time.monotonic()))

    def stop_unasked(self) -> None:
        """Asks those to stop about which nobody has asked for long; a training goes on."""
        with self._changed:
            old = time.monotonic() - UNASKED_SECONDS
            for job in self._unfinished():
                if job.kind != "train" and job.asked < old and not job.stop.is_set():
                    job.error = f"Nobody has asked about it for {UNASKED_SECONDS:.0f} seconds."
                    self.stop(job)

    def _watch(self) -> None:
        """What the thread that looks for those does until the end."""
        with self._changed:
            while not self._closing.is_set():
                self.stop_unasked()
                busy = any(job.kind != "train" for job in self._unfinished())
                self._changed.wait(LOOKED_EVERY if busy else None)

    def _start(self, name: str, work: Callable[[], None]) -> None:
        """A thread of that name, unless there is one."""
        if name not in self._threads:
            self._threads[name] = threading.Thread(target=work, name=name, daemon=True)
            self._threads[name].start()

    def _run(self, lane: str) -> None:
        """What a thread does until the end."""
        while (entry := self._next(lane)) is not None:
            job = entry.job
            try:
                job.folder = self._place(job.id)  # what was there may have been cleaned up
                job.folder.mkdir(mode=0o700)
                whole = entry.work(job)
            except Canceled:
                self._end(job, "stopped")
            except BaseException as error:  # the thread goes on, whatever a job does
                job.error = why(error)
                self._end(job, "failed")
            else:
                self._end(job, "done" if whole else "stopped")

    def _next(self, lane: str) -> _Entry | None:
        with self._changed:
            while not self._closing.is_set():
                for entry in self._entries.values():
                    if entry.lane == lane and entry.job.state == "queued":
                        entry.job.state = "running"
                        return entry
                self._changed.wait(KEPT_SECONDS / 60)
                self._forget_old()
            return None

    def _end(self, job: Job, state: State) -> None:
        with self._changed:
            job.state, job.ended = state, time.monotonic()
            if state == "done":  # it was asked to stop, and had come to its end
                job.error = None
            self._entries[job.id].close()
            others = (entry.job for entry in self._entries.values())
            ended = [one for one in others if one.ended is not None and one.client == job.client]
            for old in sorted(ended, key=lambda one: one.ended or 0.0)[:-MOST_KEPT]:
                self._forget(old)

    def _place(self, known: str) -> Path:
        return self._folder() / f"job-{known}"

    def _unfinished(self) -> list[Job]:
        return [entry.job for entry in self._entries.values() if entry.job.ended is None]

    def _forget_old(self) -> None:
        old = time.monotonic() - KEPT_SECONDS
        for job in [entry.job for entry in self._entries.values()]:
            if job.ended is not None and job.ended < old:
                self._forget(job)

    def _forget(self, job: Job) -> None:
        del self._entries[job.id]
        shutil.rmtree(job.folder, ignore_errors=True)
