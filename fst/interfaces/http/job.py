"""One piece of work that takes minutes: what is known of it while it goes on."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from fst.errors import AssetError, CheckpointError, FstError, in_a_line
from fst.interfaces.http.errors import FULL, LOG, NO_ROOM, Refused, sentence

Kind = Literal["optimize", "refine", "train"]
State = Literal["queued", "running", "done", "failed", "stopped"]


class Shown(NamedTuple):
    """A picture as it is sent."""

    content: bytes
    media: str


class Result(NamedTuple):
    """What a job has made: a file in its folder, and HTTP's word on what it is called."""

    path: Path
    media: str
    disposition: str


@dataclass(eq=False)
class Job:
    """One piece of work; the thread that does it writes, others read.

    Attributes:
        id: that nobody can guess.
        kind: of work.
        client: who has asked for it.
        folder: for its files, made when the work begins.
        steps: how many there are to be.
        closing: set once the service is stopping: what is not quick is left undone.
        name: of the style that it is to train.
        stop: set once the job is asked to stop.
        state: how far it is.
        step: how many are done.
        curve: steps and what the objective was then.
        losses: its newest terms by name.
        preview: the newest picture, whose number is ``version``.
        result: once there is one.
        style: that was trained, once it is there.
        error: why it failed, or has stopped by itself.
        ended: when, on the monotonic clock.
        asked: when somebody has asked about it last, on that clock.
    """

    id: str
    kind: Kind
    client: str
    folder: Path
    steps: int
    closing: threading.Event
    name: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    state: State = "queued"
    step: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    losses: dict[str, float] | None = None
    preview: Shown | None = None
    version: int = 0
    result: Result | None = None
    style: str | None = None
    error: str | None = None
    ended: float | None = None
    asked: float = field(default_factory=lambda: time.monotonic())
    _first: tuple[float, int] | None = None

    def reach(self, step: int) -> None:
        """So many steps are done."""
        if self._first is None:
            self._first = (time.monotonic(), step)
        self.step = step

    def show(self, shown: Shown, version: int) -> None:
        """There is a newer picture."""
        self.preview, self.version = shown, version

    @property
    def seconds_left(self) -> float | None:
        """If it goes on as it went so far; None where that is not known."""
        if self.state != "running" or self._first is None or self.step <= self._first[1]:
            return None
        began, first = self._first
        return (time.monotonic() - began) / (self.step - first) * (self.steps - self.step)


Work = Callable[[Job], bool]
"""Does a job. False: it was stopped before its end."""


def why(error: BaseException) -> str:
    """Why a job failed, in a sentence that gives nothing away; the log has the rest."""
    if isinstance(error, Refused):
        return sentence(error.why)
    if isinstance(error, AssetError | CheckpointError):
        LOG.warning("%s", in_a_line(error))
        return "This service lacks what that needs, or it is damaged; its log says it."
    if isinstance(error, FstError):
        return sentence(error)
    if isinstance(error, OSError) and error.errno in FULL:
        LOG.error("%s", error)
        return sentence(NO_ROOM[:1].upper() + NO_ROOM[1:])
    LOG.error("a job failed", exc_info=error)
    return "The service failed; its log says why."
