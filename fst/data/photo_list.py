"""Photos with an index, in a new random order every epoch."""

import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import count

import datasets
import torch

from fst.data.crops import seeded
from fst.data.sources import Record
from fst.errors import FstWarning

ATTEMPTS = 100
"""So many broken photos in a row, and these are no photos at all."""

FEW = 4
"""Fewer photos than that are learned by heart."""

Pick = Callable[[int], Record]
"""The photo of a place: attempt 0 is the one whose turn it is, the others stand in for it."""


def stand_in(count: int, attempt: int, seed: int, place: int) -> int:
    """Which of so many photos is tried in place of a broken one; not the same one twice."""
    return int(torch.randperm(count, generator=seeded(seed, place))[(attempt - 1) % count])


def warn_of_few(photos: datasets.Dataset) -> None:
    """Says where there are hardly any photos to train on."""
    if (count := len(photos)) < FEW:
        warnings.warn(
            f"only {count} photo{'s' * (count > 1)} to train on: the net will know little else. "
            "Give a folder of hundreds (data=folder data.path=FOLDER)",
            FstWarning,
            stacklevel=2,
        )


class PhotoList:
    """Photos with an index, in a new random order every epoch.

    ``photos`` is a data set with one column of photos, or a list of records.
    """

    def __init__(self, photos: datasets.Dataset | Sequence[Record], seed: int) -> None:
        self.photos, self.seed = photos, seed

    def __len__(self) -> int:
        return len(self.photos)

    def get(self, index: int) -> Record:
        """The photo of that number."""
        if isinstance(self.photos, datasets.Dataset):
            record: Record = self.photos[index][self.photos.column_names[0]]
            return record
        return self.photos[index]

    def first_records(self) -> Iterator[Record]:
        """The photos, as they lie."""
        return (self.get(index) for index in range(len(self)))

    def places(self, start: int) -> Generator[tuple[int, Pick], None, None]:
        """All places from ``start`` on, and how to get their photos."""
        length = len(self.photos)
        for epoch in count(start // length):
            order = torch.randperm(length, generator=seeded(self.seed, epoch)).tolist()
            for place in range(max(start, epoch * length), (epoch + 1) * length):
                yield place, self._pick(order[place - epoch * length], place)

    def _pick(self, index: int, place: int) -> Pick:
        def pick(attempt: int) -> Record:
            other = stand_in(len(self), attempt, self.seed, place) if attempt else index
            return self.get(other)

        return pick
