"""What is said while a clip is painted: a bar in a terminal, a line now and then elsewhere."""

import sys
import time
from dataclasses import replace
from types import TracebackType

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fst.errors import in_a_line
from fst.inference.targets import Job
from fst.inference.video import clips
from fst.inference.video.frames import About
from fst.inference.video.targets import has_sound

FIRST, THEN = 5.0, 60.0
"""Seconds after which a line is printed where there is no terminal."""

STARTING = 2
"""Frames that don't count for the pace: with the first, nets are made ready, with the second, what
looks for motion."""


class Display:
    """How far a clip is.

    Args:
        job: the clip, and where it goes.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.progress: clips.Progress | None = None
        self._terminal = sys.stdout is not None and sys.stdout.isatty()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"), TimeRemainingColumn(),
            transient=True, disable=not self._terminal,
        )  # fmt: skip
        self._began = self._next = 0.0

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Takes the bar away."""
        self._bar.stop()

    def show(self, progress: clips.Progress) -> None:
        """To be called at the beginning, and after every frame."""
        if self.progress is None:
            self.progress = progress
            for line in (introduction(progress), *progress.before):
                print(in_a_line(line), flush=True)
            self._bar.add_task(
                escape(in_a_line(self.job.source.name)), total=progress.total,
                completed=progress.frames, pace="",
            )  # fmt: skip
            self._bar.start()
            self._began = time.monotonic()
            self._next = self._began + FIRST
            return
        now = time.monotonic()
        if progress.frames - progress.began <= STARTING:
            self._began = now
        painted = progress.frames - progress.began - STARTING
        pace = painted / max(now - self._began, 1e-6) if painted > 0 else None
        said = "" if pace is None else f"{pace:.3g} a second"
        self._bar.update(self._bar.task_ids[0], completed=progress.frames, pace=said)
        if not self._terminal and now >= self._next:
            self._next = now + THEN
            print(in_a_line(f"{self.job.source.name}: {state(progress, pace)}"), flush=True)


def introduction(progress: clips.Progress) -> str:
    """What is going to be done."""
    about = progress.about
    assert about is not None
    if not has_sound(progress.job.target):
        about = replace(about, details={**about.details, "sound": ()})
    said = f"{progress.job.source}: {described(about)}; to {progress.job.target}"
    if progress.began and progress.parts is not None:
        said += f"; goes on after frame {progress.began}, which is in {progress.parts}"
    return said


def described(about: About) -> str:
    """A clip in a few words."""
    frames = "frames"
    if about.frames is not None:
        frames = f"{roughly(about)}{about.frames} frame{'' if about.frames == 1 else 's'}"
    rate = f"{float(about.rate):.4g} a second{' in the mean' if about.variable else ''}"
    sound = about.details.get("sound")
    heard = f", sound: {', '.join(sound)}" if sound else ""
    return f"{frames} of {about.width}x{about.height}, {rate}{heard}"


def roughly(about: About) -> str:
    """The word before a number of frames that is an estimate; empty where it isn't.

    Of a part of a clip, the mean rate tells how many frames there are; where the rate varies, there
    may be others.
    """
    return "about " if about.variable and "piece" in about.details else ""


def state(progress: clips.Progress, pace: float | None) -> str:
    """How far it is, and how long it takes.

    Args:
        progress: of a clip.
        pace: frames a second; None where that is not known yet.
    """
    said = f"frame {progress.frames}"
    rate = "" if pace is None else f", {pace:.3g} a second"
    if progress.total is None or progress.frames >= progress.total:
        return said + rate
    rough = "" if progress.about is None else roughly(progress.about)
    said += f" of {rough}{progress.total}{rate}"
    if pace is None:
        return said
    left = (progress.total - progress.frames) / max(pace, 1e-9)
    return f"{said}, about {lasting(left)} left"


def lasting(seconds: float) -> str:
    """A time that one waits, in words."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
