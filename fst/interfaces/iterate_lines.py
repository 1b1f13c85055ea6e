"""The lines that ``fst stylize`` says of an optimization while it runs, and at its end."""

import time
from collections.abc import Callable

from fst.inference.iterates import Counter
from fst.optimization.descent import PATIENCE, Iterate

EVERY = 50
"""Iterations between two lines where there is no terminal, and so no bar."""

GROWN = 10
"""An objective that ends at more times its start was not minimized: the search has diverged."""


class IterateLines:
    """Sees the iterates of a command's photos.

    Args:
        counter: of all iterations.
        terminal: there is a bar, which tells the progress.
        clock: in seconds, from any moment on.
    """

    def __init__(
        self, counter: Counter, terminal: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.counter, self.terminal, self._clock = counter, terminal, clock
        self._first: float | None = None
        self._before: tuple[float, int] | None = None

    def see(self, name: str, iterate: Iterate, done: int) -> list[str]:
        """The next iterate: what is said of it.

        Args:
            name: of the photo.
            iterate: with its losses.
            done: iterations of all that the counter counts.
        """
        objective, of, lines = float(iterate.terms.total), self.counter.steps, []
        if self._first is None:
            self._first = objective
        if self._before is None:
            self._before = (self._clock(), done)
        last = iterate.last or iterate.iteration == of
        if last or (not self.terminal and iterate.iteration % EVERY == 0):
            where = f"iteration {iterate.iteration}/{of}"
            left = "" if self.terminal else self._left(done)
            lines.append(f"{name}: {where}, objective {objective:.3f}{left}")
        if last and iterate.iteration < of:
            lines.append(
                f"{name}: stopped at iteration {iterate.iteration} of {of}: in {PATIENCE} "
                "iterations the objective fell by less than the tolerance"
            )
        return lines

    def grown(self, name: str, iterate: Iterate) -> str | None:
        """What is said of an optimization that ends far above its start; to be asked behind it."""
        if not (iterate.last or iterate.iteration == self.counter.steps):
            return None
        first, objective = self._first, float(iterate.terms.total)
        self._first = None  # what comes next is of another photo or style
        if first is None or not 0 < GROWN * first < objective:
            return None
        return (
            f"{name}: the objective grew from {first:.3g} to {objective:.3g}: try a lower "
            "--learning-rate"
        )

    def finished(self) -> None:
        """A photo is finished, one way or another."""
        self._first = None

    def _left(self, done: int) -> str:
        """The time that all needs at the speed since the line before, where it is minutes."""
        assert self._before is not None
        (began, begun), now = self._before, self._clock()
        self._before = (now, done)
        if done <= begun:
            return ""
        minutes = (now - began) / (done - begun) * (self.counter.total - done) / 60
        return f", about {minutes:.0f} min left" if minutes > 1 else ""
