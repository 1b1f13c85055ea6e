"""A stream that several devices read: each file is downloaded by one of them in an epoch.

A run that begins on several devices reads its stream in as many *parts*, if there are enough files,
and divides every batch into as many equal shares: each share is filled from one part. The parts
take turns at the files. With parts of fixed files, the photos of a part with fewer files would come
more often: of three files on two devices, the one that is alone in its part would be drawn twice
as often as the others. Files of unequal sizes let one part be a little ahead of another; because
every epoch deals them anew, this evens out.

Which photo comes at a place follows from the seed, the place and the number of parts. That number
stays with the run: it is in its checkpoints, and wherever the run goes on, on fewer devices or on
more, it sees the photos that were to come. Where there are more devices than parts, several devices
read one part and train on different photos of it. A run that was begun on one device has one part.
"""

from collections.abc import Generator
from contextlib import ExitStack, closing
from itertools import count
from typing import Any

import torch.distributed as dist

from fst.data.photo_list import Pick
from fst.data.photo_stream import PhotoStream
from fst.errors import InputError


def fitting_parts(devices: int, files: int) -> int:
    """In how many parts a new run reads its stream: every part is for equally many devices."""
    return max(n for n in range(1, devices + 1) if devices % n == 0 and n <= max(1, files))


class SplitStream:
    """The parts of a stream, dealt into batches.

    Args:
        whole: the stream.
        parts: how many; at most as many as it has files.
        batch_size: photos a step, of all devices together.
        rank: which process this is.
        ranks: how many processes share a batch.

    Raises:
        InputError: a batch that can't be divided evenly into so many parts.
    """

    def __init__(
        self, whole: PhotoStream, parts: int, batch_size: int, rank: int = 0, ranks: int = 1
    ) -> None:
        if batch_size % parts:
            raise InputError(
                f"this run reads its stream of photos in {parts} parts: "
                f"give data.batch_size a multiple of {parts}, not {batch_size}"
            )
        self.batch_size, self.share = batch_size, batch_size // parts
        self.parts = [whole.part(number, parts) for number in range(parts)]
        self.turns = True
        """Whether the parts take turns at the files; runs of before have fixed files per part."""
        self.needed = range(rank * parts // ranks, -(-(rank + 1) * parts // ranks))
        """The parts that overlap with this process's share of a batch."""

    def places(self, start: int) -> Generator[tuple[int, Pick], None, None]:
        """The places of the needed parts, from the batch that holds ``start`` on.

        Raises:
            InputError, AssetError: as :meth:`~fst.data.photo_stream.PhotoStream.places`.
        """
        first = start // self.batch_size
        with ExitStack() as stack:
            streams = {
                part: stack.enter_context(closing(self.parts[part].places(first * self.share)))
                for part in self.needed
            }
            for step in count(first):
                for part, stream in streams.items():
                    begin = step * self.batch_size + part * self.share
                    for place in range(begin, begin + self.share):
                        _, pick = next(stream)
                        yield place, pick

    def state_dict(self, place: int) -> dict[str, Any]:
        """What :meth:`load_state_dict` needs of all parts; asked of all processes at once."""
        own = place // self.batch_size * self.share
        states = {part: self.parts[part].state_dict(own) for part in self.needed}
        if dist.is_initialized() and dist.get_world_size() > 1:  # all of them, or all would wait
            everyone: list[dict[int, Any]] = [{} for _ in range(dist.get_world_size())]
            dist.all_gather_object(everyone, states)
            states = {part: state for one in everyone for part, state in one.items()}
        return {"parts": len(self.parts), "turns": self.turns, "streams": states}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the position of every part, and its fixed files if the run began with such."""
        self.turns = state.get("turns", False)
        if not self.turns:
            for stream in self.parts:
                stream.keep_to_own_shards()
        for part, one in state["streams"].items():
            self.parts[part].load_state_dict(one)
