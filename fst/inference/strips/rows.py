"""Rows that a stage reads: made, stored, or changed in place."""

from collections.abc import Callable
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.inference.strips.moments import Normalizer
from fst.inference.strips.stores import Store, outside


class Source(Protocol):
    """Rows that a stage reads: ``height`` x ``width``, normalized."""

    height: int
    width: int

    def rows(self, first: int, last: int, pad: int, padding: str) -> Tensor:
        """``(1, C, last - first, width + 2 pad)``; first and last may be ``pad`` outside."""


class Made:
    """Rows that are made when they are asked for: the photo's, or a stage's computed anew."""

    def __init__(self, height: int, width: int, make: Callable[[int, int], Tensor]) -> None:
        self.height, self.width, self.make = height, width, make

    def rows(self, first: int, last: int, pad: int, padding: str) -> Tensor:
        """As :class:`Source` says."""
        places = [outside(place, self.height, padding) for place in range(first, last)]
        if padding == "circular" and (first < 0 or last > self.height):
            # the other end of the picture, which is far away
            ends = [(first % self.height, self.height)] if first < 0 else []
            ends += [(max(first, 0), min(last, self.height))]
            ends += [(0, last - self.height)] if last > self.height else []
            rows = torch.cat([self.make(*end) for end in ends], 2)
        else:
            low, high = min(places), max(places) + 1
            rows = self.make(low, high)
            if high - low != len(places) or places[0] != low or places[-1] != high - 1:
                index = torch.tensor(places, device=rows.device) - low
                rows = rows.permute(0, 2, 3, 1)[:, index].permute(0, 3, 1, 2)
        return F.pad(rows, (pad, pad, 0, 0), mode=padding) if pad else rows


class Stored:
    """Rows out of a store, normalized whenever they are read."""

    def __init__(self, store: Store, normalize: Normalizer) -> None:
        self.store, self.normalize = store, normalize
        self.height, self.width = store.height, store.width

    def rows(self, first: int, last: int, pad: int, padding: str) -> Tensor:
        """As :class:`Source` says; the store was padded when it was sealed."""
        return self.normalize(self.store.read(first, last))


class Kept:
    """Rows that are changed in their store when they are first read, and then stay so.

    A residual block's input: normalized once, then added to by every block.
    """

    def __init__(self, store: Store, padding: str) -> None:
        self.store, self.padding = store, padding
        self.height, self.width = store.height, store.width
        self.renew(_as_is)

    def renew(self, change: "Change") -> None:
        """What is to be done with the padded rows ``[first, last)``, once."""
        self.change, self.done = change, -self.store.pad

    def rows(self, first: int, last: int, pad: int, padding: str) -> Tensor:
        """As :class:`Source` says."""
        if last > self.done:
            rows = self.store.read(self.done, last)
            self.store.put(self.done, self.change(rows, self.done, last))
            self.done = last
            if last == self.height + self.store.pad:
                self.renew(_as_is)  # lets go of what was added
                self.done = last
        if padding != self.padding:  # the upsampling that follows the last block
            return Made(self.height, self.width, self._inside).rows(first, last, pad, padding)
        return self.store.read(first, last)

    def _inside(self, first: int, last: int) -> Tensor:
        pad = self.store.pad
        return self.store.read(first, last)[..., pad : pad + self.width]


Change = Callable[[Tensor, int, int], Tensor]
"""What is done once with padded rows, of these numbers."""


def _as_is(rows: Tensor, first: int, last: int) -> Tensor:
    return rows


def normalizing(normalize: Normalizer) -> Change:
    """The change that normalizes."""
    return lambda rows, first, last: normalize.over(rows)


def adding(store: Store, normalize: Normalizer) -> Change:
    """The change that adds what a residual block computed, normalized."""
    return lambda rows, first, last: normalize.added_to(rows, store.read(first, last))
