"""What is to be painted by whom, and what becomes of it where a worker dies.

A worker may die of a photo (that takes all memory, say), or by no fault of a photo's. So a batch is
given out again; one that has cost :data:`TRIES` workers is painted photo by photo; and a photo that
costs a worker alone, after all that, is given up.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

TRIES = 2
"""Workers that a batch may cost before it is taken apart."""


@dataclass
class Batch:
    """Some photos that are painted together, and how many workers have died of them."""

    items: list[Any]
    died: int = 0


class Work:
    """The batches that nobody has yet.

    Args:
        batches: all that is to be painted; taken from one by one.
    """

    def __init__(self, batches: Iterable[Sequence[Any]]) -> None:
        self._coming = iter(batches)
        self._again: deque[Batch] = deque()

    def next(self) -> Batch | None:
        """What to paint next; None where nothing is left, unless a worker dies."""
        if self._again:
            return self._again.popleft()
        coming = next(self._coming, None)
        return None if coming is None else Batch(list(coming))

    def died(self, given: Sequence[Batch]) -> list[Any]:
        """Takes back what a worker had that died.

        Args:
            given: its batches. It was painting the first; the others had to wait for that.

        Returns:
            Photos that are given up.
        """
        self._again.extendleft(reversed(given[1:]))
        if not given:
            return []
        first = given[0]
        first.died += 1
        if first.died < TRIES:
            self._again.appendleft(first)
            return []
        if len(first.items) > 1:
            self._again.extendleft(Batch([item], TRIES - 1) for item in reversed(first.items))
            return []
        return first.items
