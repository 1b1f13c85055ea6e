"""Photos that come one after another, shuffled block by block."""

import threading
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import datasets
import torch

from fst.data.crops import seeded
from fst.data.photo_list import ATTEMPTS, Pick, stand_in
from fst.data.sources import Record
from fst.errors import AssetError, InputError


class PhotoStream:
    """Photos that come one after another, shuffled block by block.

    A block of ``block`` records is read ahead and dealt in random order; the shards are read in a
    new order every epoch. A shuffle buffer of the usual kind would mix a little better, but what it
    holds is lost when a run stops: a block can be read again, exactly.

    Several parts of a stream take turns: of the shards in the order of the first epoch, then of the
    second and so on, each part reads every ``parts``-th one. So every shard is read once an epoch,
    by one part, also where the parts don't divide the shards.

    Args:
        photos: a stream with one column of undecoded photos.
        seed: of the order.
        block: how many records are shuffled together; twice as many are in memory.
        held_out: records at the very start that are set apart for validation.
        shards: in how many pieces to read them; None takes the files that there are.
        part: which of ``parts`` this is.
        parts: how many take turns.
    """

    def __init__(
        self,
        photos: datasets.IterableDataset,
        seed: int,
        block: int = 1000,
        held_out: int = 0,
        shards: int | None = None,
        part: int = 0,
        parts: int = 1,
    ) -> None:
        self.photos, self.seed, self.block, self.held_out = photos, seed, block, held_out
        self.column = next(iter(photos.features or {"image": None}))
        self.shards = shards or photos.num_shards
        self.number, self.parts = part, parts
        self.own, self.step = range(self.shards), parts
        """The shards that this part comes to in time, and by how many turns it goes on."""
        self._first: tuple[int, dict[str, Any]] = (0, {"epoch": 0, "turn": part, "state": None})
        # as far back as decoding may run ahead of the step at hand, also with tiny blocks
        self._blocks: deque[tuple[int, dict[str, Any]]] = deque(maxlen=1000)
        self._spare: list[Record] | None = None
        self._lock = threading.Lock()

    def part(self, number: int, parts: int) -> "PhotoStream":
        """One of so many parts of this stream, which take turns at its shards."""
        settings = (self.seed, self.block, self.held_out, self.shards)
        return PhotoStream(self.photos, *settings, number, parts)

    def keep_to_own_shards(self) -> None:
        """Reads the same shards every epoch: for runs that were begun before parts took turns."""
        self.own, self.step = range(self.number, self.shards, self.parts), 1

    def first_records(self) -> Iterator[Record]:
        """The records of the first shard, after those that are set apart.

        Raises:
            AssetError: the stream broke off.
        """
        rows = islice(self.photos.shard(self.shards, 0), self.held_out, None)
        while True:
            with _in_one_line():
                if (row := next(rows, None)) is None:
                    return
            yield row[self.column]

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
            return others[stand_in(len(others), attempt, self.seed, place)]

        return pick

    def _spare_records(self) -> list[Record]:
        """A few records that are not held out, other ones for every part."""
        with self._lock:
            if self._spare is None:
                numbers = range(self.number, self.shards, self.parts)
                own = (self.photos.shard(self.shards, number) for number in numbers)
                skip = self.held_out if 0 in numbers else 0
                rows = islice(chain.from_iterable(own), skip, skip + ATTEMPTS)
                self._spare = [row[self.column] for row in rows]
        return self._spare

    def _read_blocks(
        self, position: dict[str, Any], stopped: threading.Event
    ) -> Iterator[tuple[dict[str, Any], list[Record]]]:
        """Blocks of records, each with the position of its first one."""
        epoch, turn, state = (position[key] for key in ("epoch", "turn", "state"))
        records: list[Record] = []
        empty: set[int] = set()
        while True:
            order = torch.randperm(len(self.own), generator=seeded(self.seed, epoch)).tolist()
            while turn < len(order):
                number = self.own[order[turn]]
                shard = self.photos.shard(self.shards, number)
                if state is not None:
                    shard.load_state_dict(state)
                else:
                    empty.add(number)
                # counted by the stream, so that a resumed one knows what it has passed
                skip = self.held_out if number == 0 and state is None else 0
                for index, row in enumerate(shard):
                    if stopped.is_set():  # nobody waits for the rest of this block
                        return
                    if index < skip:
                        continue
                    empty.discard(number)
                    records.append(row[self.column])
                    if len(records) == self.block:
                        yield position, records
                        state = shard.state_dict()
                        position = {"epoch": epoch, "turn": turn, "state": state}
                        records = []
                turn, state = turn + self.step, None
            epoch, turn = epoch + 1, turn - len(order)
            if records:  # a block never spans two epochs
                yield position, records
                records = []
            elif len(empty) == len(self.own):
                raise InputError("no photo is left to train on: lower data.val_photos")
            position = {"epoch": epoch, "turn": turn, "state": None}


def _result(block: Future[tuple[dict[str, Any], list[Record]]]) -> tuple[Any, list[Record]]:
    with _in_one_line():
        return block.result()


@contextmanager
def _in_one_line() -> Iterator[None]:
    """A stream that breaks off: every file system and network library has errors of its own."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise AssetError(
            f"the stream of photos broke off ({reason}): go on with resume=auto"
        ) from error
