"""A camera painted while one looks: the loop, its keys, and what is drawn on the picture.

Whatever is slow, what is shown is the newest there is: the camera is read in a thread of its own
(:mod:`fst.inference.video.camera`), and frames that came while one was painted are left out.
"""

import statistics
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from fst.errors import FstError
from fst.image.picture import Picture, to_pil
from fst.inference.control import Control, Layer
from fst.inference.stylizers import Stylizer
from fst.inference.video.camera import Camera, Shot
from fst.inference.video.live_settings import Pixels, Settings, drawn, pressed
from fst.inference.video.steady import SteadyPainter
from fst.inference.video.window import Screen

SIZE, LEAST_SIZE = 384, 160
"""Long side at which frames are painted, and the least that a slow machine makes of it."""

GOOD_RATE = 12.0
"""Frames a second below which a smaller size is taken, where none was asked for."""

WAIT = 0.05
"""Seconds after which keys are looked at, where no frame comes."""


class LivePainter:
    """Paints frames in one of several styles, whose nets are made when they are first wanted.

    Args:
        make: from a style's number to what paints in it.
        size: long side, in pixels, at which frames are painted; smaller frames stay as they are.
        stable: one of :data:`~fst.choices.STABLE`.
    """

    def __init__(self, make: Callable[[int], Stylizer], size: int, stable: str) -> None:
        self._make, self.size, self._stable = make, size, stable
        self._stylizers: dict[int, Stylizer] = {}
        self._painter: SteadyPainter | None = None
        self._how: tuple[int, bool] | None = None

    def __call__(self, pixels: Pixels, settings: Settings) -> Pixels:
        """A frame ``(H, W, 3)``, painted, at the size that was asked for.

        Raises:
            FstError: the style can't be painted.
        """
        if settings.mirror:
            pixels = pixels[:, ::-1]
        control = Control(settings.strength, size=min(self.size, max(pixels.shape[:2])))
        if self._painter is None or self._how != (settings.style, settings.mirror):
            if settings.style not in self._stylizers:
                self._stylizers[settings.style] = self._make(settings.style)
            layers = [Layer(self._stylizers[settings.style])]
            self._painter = SteadyPainter(layers, control, self._stable)
            self._how = settings.style, settings.mirror
        self._painter.control = control
        channels = np.array(pixels.transpose(2, 0, 1), np.float32, order="C") / np.float32(255)
        return np.asarray(to_pil(self._painter(Picture(torch.from_numpy(channels)[None])).rgb))

    def forget(self) -> None:
        """Makes the nets anew when they are next wanted, and looks back at no frame."""
        self._stylizers.clear()
        self._painter = None


@dataclass
class Report:
    """What came of it.

    Attributes:
        painted: frames.
        given: frames that the camera gave.
        seconds: that it took.
        ages: of each painted frame when it was shown, in seconds.
    """

    painted: int = 0
    given: int = 0
    seconds: float = 0.0
    ages: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        """A line for people."""
        if not self.painted:
            return "no frame was painted"
        rate = self.painted / max(self.seconds, 1e-9)
        age = 1000 * statistics.median(self.ages)
        frames = "frame" if self.painted == 1 else "frames"
        left_out = max(0, self.given - self.painted)
        return (
            f"painted {self.painted} {frames} in {self.seconds:.1f} s: {rate:.1f} a second; "
            f"{left_out} of {self.given} left out; a frame is shown after {age:.0f} ms (median)"
        )


def run(
    camera: Camera,
    screen: Screen,
    painter: Callable[[Pixels, Settings], Pixels],
    settings: Settings,
    report: Report,
    seconds: float | None = None,
    snapshot: Callable[[Pixels, Settings], None] = lambda pixels, settings: None,
    say: Callable[[str], None] = print,
) -> None:
    """Paints what a camera sees until a key ends it, the camera does, or the time is over.

    Args:
        camera: gives the frames.
        screen: shows them, and tells the keys.
        painter: paints a frame.
        settings: to begin with.
        report: is kept up to date, whatever ends it.
        seconds: after which it ends; None is never.
        snapshot: keeps a painted picture, without what is drawn on it.
        say: what is done with a line of text, as where a style can't be painted.
    """
    times = deque[float](maxlen=30)
    shot: Shot | None = None
    painted: Pixels | None = None
    camera.start()
    began = time.monotonic()
    while not settings.ended and (seconds is None or time.monotonic() - began < seconds):
        seen = 0 if shot is None else shot.number
        new = None
        if settings.paused:
            time.sleep(WAIT)
        elif (new := camera.newest(seen, WAIT)) is None and camera.ended and shot is not None:
            break
        shot = new or shot
        if shot is None:
            continue
        before = settings
        if new is not None or painted is None:
            painted = painter(shot.pixels, settings)
        picture = drawn(painted, settings, rate_of(times))
        keys = screen.show(picture, settings.full)
        if new is not None:
            times.append(time.monotonic())
            report.ages.append(times[-1] - new.taken)
            report.painted += 1
            report.given, report.seconds = camera.given, times[-1] - began
        for key in keys:
            settings = pressed(settings, key)
        if settings.snapshots > before.snapshots:
            snapshot(painted, before)
        if settings.looks != before.looks:
            settings, painted = _anew(painter, shot, settings, before, painted, say)


def _anew(
    painter: Callable[[Pixels, Settings], Pixels],
    shot: Shot,
    settings: Settings,
    before: Settings,
    painted: Pixels,
    say: Callable[[str], None],
) -> tuple[Settings, Pixels]:
    """The frame with other settings; where its style can't be painted, all stays as it was."""
    try:
        return settings, painter(shot.pixels, settings)
    except FstError as error:
        say(f"{settings.name}: {error}")
        return replace(settings, style=before.style), painted


def rate_of(times: Sequence[float]) -> float:
    """Frames a second of the last ones; 0 where there are too few.

    Args:
        times: when they were shown, in seconds.
    """
    if len(times) < 2 or times[-1] <= times[0]:
        return 0.0
    return (len(times) - 1) / (times[-1] - times[0])


def fitting_size(size: int, seconds: float) -> int:
    """The size at which a good rate is reached, where ``size`` is too large for it.

    Args:
        size: long side, in pixels, at which a frame was painted.
        seconds: that it took; it grows as the number of pixels.
    """
    smaller = size * min(1.0, (1 / GOOD_RATE / max(seconds, 1e-9)) ** 0.5)
    return size if smaller > 0.95 * size else max(min(size, LEAST_SIZE), int(smaller) // 16 * 16)
