"""Photos without end, in an order that follows from the seed: a list of photos, or a stream.

A *place* counts photos from the start of a run: step ``s`` of batch size ``B`` takes the places
``s B`` to ``(s + 1) B``. Which photo comes at a place, its crop, and what replaces a broken photo
follow from the seed and the place alone, so that a resumed run sees what the interrupted one would
have seen, with any number of threads and devices.
"""

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import count, islice
from typing import Any

import datasets
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from fst.crops import CropAndFlip, seeded
from fst.errors import AssetError, InputError
from fst.photos import Record, decode, name_of

ATTEMPTS = 100
"""So many broken photos in a row, and these are no photos at all."""

Pick = Callable[[int], Record]
"""The photo of a place: attempt 0 is the one whose turn it is, the others stand in for it."""


def _stand_in(count: int, attempt: int, seed: int, place: int) -> int:
    """Which of so many photos is tried in place of a broken one; not the same one twice."""
    return int(torch.randperm(count, generator=seeded(seed, place))[(attempt - 1) % count])


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

    def places(self, start: int) -> Generator[tuple[int, Pick], None, None]:
        """All places from ``start`` on, and how to get their photos."""
        length = len(self.photos)
        for epoch in count(start // length):
            order = torch.randperm(length, generator=seeded(self.seed, epoch)).tolist()
            for place in range(max(start, epoch * length), (epoch + 1) * length):
                yield place, self._pick(order[place - epoch * length], place)

    def _pick(self, index: int, place: int) -> Pick:
        def pick(attempt: int) -> Record:
            other = _stand_in(len(self), attempt, self.seed, place) if attempt else index
            return self.get(other)

        return pick


class PhotoStream:
    """Photos that come one after another, shuffled block by block.

    A block of ``block`` records is read ahead and dealt in random order; the shards are read in a
    new order every epoch. A shuffle buffer of the usual kind would mix a little better, but what it
    holds is lost when a run stops: a block can be read again, exactly.

    Args:
        photos: a stream with one column of undecoded photos.
        seed: of the order.
        block: how many records are shuffled together; twice as many are in memory.
        held_out: records at the very start that are set apart for validation.
        shards: in how many parts to read them; None takes the parts that there are.
    """

    def __init__(
        self,
        photos: datasets.IterableDataset,
        seed: int,
        block: int = 1000,
        held_out: int = 0,
        shards: int | None = None,
    ) -> None:
        self.photos, self.seed, self.block, self.held_out = photos, seed, block, held_out
        self.column = next(iter(photos.features or {"image": None}))
        self.shards = shards or photos.num_shards
        self._first: tuple[int, dict[str, Any]] = (0, {"epoch": 0, "turn": 0, "state": None})
        # as far back as decoding may run ahead of the step at hand, also with tiny blocks
        self._blocks: deque[tuple[int, dict[str, Any]]] = deque(maxlen=1000)
        self._spare: list[Record] | None = None
        self._lock = threading.Lock()

    def held_out_records(self) -> list[Record]:
        """The records that are set apart."""
        first = self.photos.shard(self.shards, 0).take(self.held_out)
        return [row[self.column] for row in first]

    def state_dict(self, place: int) -> dict[str, Any]:
        """What :meth:`load_state_dict` needs to go on at ``place``, as plain values."""
        known = [block for block in (self._first, *self._blocks) if block[0] <= place]
        first, position = known[-1]
        return {"place": first, "position": position}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lets :meth:`places` begin with the block that holds the place of ``state``."""
        self._first = (state["place"], state["position"])
        self._blocks.clear()

    def places(self, start: int) -> Generator[tuple[int, Pick], None, None]:
        """All places from ``start`` on, and how to get their photos.

        Raises:
            InputError: the place was passed before, or no photo is left.
            AssetError: the stream broke off.
        """
        first, position = self._first
        if first > start:
            raise InputError(
                f"the stream stands at photo {first}, after photo {start}: "
                "resume with the data.batch_size that the run was started with"
            )
        self._blocks.clear()
        stopped = threading.Event()
        reader = ThreadPoolExecutor(1, "photos")
        try:
            blocks = self._read_blocks(position, stopped)
            ahead = reader.submit(next, blocks)
            while True:
                position, records = _result(ahead)
                ahead = reader.submit(next, blocks)
                self._blocks.append((first, position))
                generator = seeded(self.seed, first)
                order = torch.randperm(len(records), generator=generator).tolist()
                for place in range(max(first, start), first + len(records)):
                    yield place, self._pick(records, order[place - first], place)
                first += len(records)
        finally:  # the thread is done before its stream is closed
            stopped.set()
            reader.shutdown(cancel_futures=True)

    def _pick(self, records: list[Record], index: int, place: int) -> Pick:
        def pick(attempt: int) -> Record:
            if attempt == 0:
                return records[index]
            # a short block may hold nothing but broken photos
            others = records if attempt < ATTEMPTS // 2 else self._spare_records() or records
            return others[_stand_in(len(others), attempt, self.seed, place)]

        return pick

    def _spare_records(self) -> list[Record]:
        """The first records that are not held out, wherever the stream stands."""
        with self._lock:
            if self._spare is None:
                rows = islice(self.photos, self.held_out, self.held_out + ATTEMPTS)
                self._spare = [row[self.column] for row in rows]
        return self._spare

    def _read_blocks(
        self, position: dict[str, Any], stopped: threading.Event
    ) -> Iterator[tuple[dict[str, Any], list[Record]]]:
        """Blocks of records, each with the position of its first one."""
        epoch, turn, state = (position[key] for key in ("epoch", "turn", "state"))
        records: list[Record] = []
        while True:
            order = torch.randperm(self.shards, generator=seeded(self.seed, epoch)).tolist()
            found = False
            while turn < self.shards:
                shard = self.photos.shard(self.shards, order[turn])
                if state is not None:
                    shard.load_state_dict(state)
                # counted by the stream, so that a resumed one knows what it has passed
                skip = self.held_out if order[turn] == 0 and state is None else 0
                for number, row in enumerate(shard):
                    if stopped.is_set():  # nobody waits for the rest of this block
                        return
                    if number < skip:
                        continue
                    found = True
                    records.append(row[self.column])
                    if len(records) == self.block:
                        yield position, records
                        state = shard.state_dict()
                        position = {"epoch": epoch, "turn": turn, "state": state}
                        records = []
                turn, state = turn + 1, None
            epoch, turn = epoch + 1, 0
            if records:  # a block never spans two epochs
                yield position, records
                records = []
            elif not found:
                raise InputError("no photo is left to train on: lower data.val_photos")
            position = {"epoch": epoch, "turn": 0, "state": None}


def _result(block: Future[tuple[dict[str, Any], list[Record]]]) -> tuple[Any, list[Record]]:
    try:
        return block.result()
    except InputError:
        raise
    except Exception as error:  # every file system and network library has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise AssetError(
            f"the stream of photos broke off ({reason}): go on with resume=auto"
        ) from error


class EndlessCrops(IterableDataset[Tensor]):
    """Random crops of endless photos, ``(3, size, size)`` in [0, 1] each.

    Photos that can't be decoded are skipped; ``on_skip`` is told the first time.

    Args:
        source: the photos.
        crop: cuts them.
        batch_size: photos a step, of all devices together.
        threads: that decode ahead; 0 decodes when a photo is asked for.
        rank: which of ``ranks`` equal parts of every batch is this process's.
        ranks: how many processes share a batch.
        on_skip: told of every broken photo.
    """

    def __init__(
        self,
        source: PhotoList | PhotoStream,
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
                        self.on_skip(f"skipped {len(self.skipped)}: {error}")
                continue
            self._names[place] = name
            self._names.pop(place - 64 * self.batch_size, None)
            return self.crop(pixels, place)
        raise InputError(f"{ATTEMPTS} photos in a row can't be decoded: are these photos?")
