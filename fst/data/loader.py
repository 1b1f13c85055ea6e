"""Random crops of photos to train on, in an order that follows from the seed.

A *place* counts photos from the start of a run: step ``s`` of batch size ``B`` takes the places
``s B`` to ``(s + 1) B``. Which photo comes at a place, its crop, and what replaces a broken photo
follow from the seed and the place alone (of a stream that several devices read, from its number of
parts, too), so that a resumed run sees what the interrupted one would have seen, with any number of
threads and devices.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from torch import Tensor
from torch.utils.data import IterableDataset

from fst.data.crops import CropAndFlip
from fst.data.photo_list import ATTEMPTS, PhotoList, Pick
from fst.data.photo_stream import PhotoStream
from fst.data.sources import decode, name_of, named
from fst.data.split_stream import SplitStream
from fst.errors import InputError

NAMED = 10
"""So many broken photos are named as they come; of further ones only the number is said."""


class TrainingCrops(IterableDataset[Tensor]):
    """An infinite iterable dataset of random crops, ``(3, size, size)``, RGB in [0, 1] each.

    The photos are repeated epoch after epoch, shuffled anew in each. Those that
    can't be decoded are skipped; ``on_skip`` is told the first time.

    Args:
        source: the photos, a list or a stream.
        crop: cuts them.
        batch_size: photos a step, of all devices together.
        threads: that decode ahead; 0 decodes when a photo is asked for.
        rank: which of ``ranks`` equal parts of every batch is this process's.
        ranks: how many processes share a batch.
        on_skip: told of every broken photo.
    """

    def __init__(
        self,
        source: PhotoList | PhotoStream | SplitStream,
        crop: CropAndFlip,
        batch_size: int,
        threads: int = 0,
        rank: int = 0,
        ranks: int = 1,
        on_skip: Callable[[str], None] = print,
    ) -> None:
        self.source, self.crop, self.batch_size = source, crop, batch_size
        self.threads, self.rank, self.ranks, self.on_skip = threads, rank, ranks, on_skip
        self.start = 0
        self.skipped: set[str] = set()
        self._names: dict[int, str] = {}
        self._lock = threading.Lock()

    def names(self, step: int) -> list[str]:
        """What this process's photos of a recent step are called."""
        places = range(step * self.batch_size, (step + 1) * self.batch_size)
        return [self._names[place] for place in places if place in self._names]

    def __iter__(self) -> Iterator[Tensor]:
        share = self.batch_size // self.ranks
        with closing(self.source.places(self.start)) as places:
            mine = (
                (place, pick)
                for place, pick in places
                if place % self.batch_size // share == self.rank
            )
            if self.threads == 0:
                yield from (self._crop(place, pick) for place, pick in mine)
            else:
                yield from self._decoded_ahead(mine)

    def _decoded_ahead(self, places: Iterator[tuple[int, Pick]]) -> Iterator[Tensor]:
        ahead: deque[Future[Tensor]] = deque()
        pool = ThreadPoolExecutor(self.threads, "decode")
        try:
            for place, pick in places:
                ahead.append(pool.submit(self._crop, place, pick))
                if len(ahead) > 4 * self.threads:
                    yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _crop(self, place: int, pick: Pick) -> Tensor:
        """The crop for this place, from another photo where this one can't be decoded."""
        for attempt in range(ATTEMPTS):
            record = pick(attempt)
            name = name_of(record)
            try:
                # a large JPEG is decoded at a fraction of its size: no crop needs more
                pixels = decode(record, self.crop.short_side)
            except InputError as error:
                with self._lock:  # two threads may have met the same photo
                    if name not in self.skipped:
                        self.skipped.add(name)
                        self._say(error)
                continue
            self._names[place] = name
            self._names.pop(place - 64 * self.batch_size, None)
            return self.crop(pixels, place)
        raise InputError(
            f"{ATTEMPTS} times in a row a photo can't be decoded: {named(sorted(self.skipped))}. "
            "Are these photos?"
        )

    def _say(self, error: InputError) -> None:
        """The first few are named; of thousands a line comes now and then."""
        count = len(self.skipped)
        if count <= NAMED:
            self.on_skip(f"skipped {count}: {error}")
        elif count.bit_count() == 1:  # 16, 32, 64 …
            self.on_skip(f"skipped {count} photos by now, the last one being {error}")
