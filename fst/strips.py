"""One pass of a net in horizontal strips: the whole picture's result, in bounded memory.

Instance norm wants the mean and deviation of whole channels. So the net is run layer by layer: a
layer is computed strip by strip, its statistics are gathered on the way (Chan et al. 1983), and the
next layer normalizes the rows that it reads, with as many rows above and below as its kernel
reaches. A strip stays in the processor's cache from the convolution before to the one after, which
makes this the fastest way on a CPU for pictures of any size.

What is too large to keep is computed again where it is needed (``Plan``), and what must be kept may
lie on the disk.

Source:
    Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance".
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.errors import InputError
from fst.nets.layers import InstanceNorm2d
from fst.nets.stage import Stage

STRIP_BYTES = 4 << 20
"""Of a strip's input and output together on a CPU: what its caches hold."""


@runtime_checkable
class InStages(Protocol):
    """A net that can be run in strips."""

    def stages(self, dtype: torch.dtype) -> list[Stage]:
        """What :func:`run` computes, with weights in ``dtype``; heights are multiples of 4."""


class Statistics:
    """Mean and variance of every channel, gathered piece by piece in float64."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = torch.zeros(())

    def add(self, rows: Tensor) -> None:
        """Rows ``(1, C, h, W)``."""
        channels, count = rows.shape[1], rows.shape[2] * rows.shape[3]
        if rows.device.type == "cpu":
            # a kernel for channels-last that PyTorch uses in batch norm: two passes over the rows.
            # The running values make its results float32 where the rows are bf16
            running = (torch.zeros(channels), torch.zeros(channels))
            mean, variance = torch.batch_norm_update_stats(rows, *running, 1.0)
        else:
            variance, mean = torch.var_mean(rows.float(), (0, 2, 3), correction=0)
        mean, squares = mean.double(), variance.double() * count
        total = self.count + count
        if self.count:
            delta = mean - self.mean
            squares = self.squares + squares + delta.square() * (self.count * count / total)
            mean = self.mean + delta * (count / total)
        self.count, self.mean, self.squares = total, mean, squares

    def normalizer(self, norm: InstanceNorm2d, relu: bool) -> Callable[[Tensor], Tensor]:
        """What turns raw rows into normalized ones."""
        mean, variance = self.mean.float(), (self.squares / self.count).float()

        def normalize(rows: Tensor) -> Tensor:
            rows = F.batch_norm(rows, mean, variance, norm.weight, norm.bias, False, 0.0, norm.eps)
            return rows.relu_() if relu else rows

        return normalize


class Store:
    """Rows of a feature map, padded on all sides; in memory."""

    def __init__(
        self, channels: int, height: int, width: int, pad: int, dtype: torch.dtype, device: object
    ) -> None:
        self.height, self.width, self.pad, self.channels = height, width, pad, channels
        self.dtype = dtype
        self.allocate((height + 2 * pad, width + 2 * pad, channels), torch.device(str(device)))

    def allocate(self, shape: tuple[int, int, int], device: torch.device) -> None:
        """Makes room for ``(rows, columns, channels)``."""
        self.rows = torch.empty(shape, dtype=self.dtype, device=device)

    def read(self, first: int, last: int) -> Tensor:
        """Rows ``[first, last)`` with their padding, ``(1, C, h, W + 2 pad)``; do not change."""
        return self.rows[None, first + self.pad : last + self.pad].permute(0, 3, 1, 2)

    def write(self, first: int, rows: Tensor) -> None:
        """Rows without padding, from ``first`` on."""
        p = self.pad
        target = self.rows[p + first : p + first + rows.shape[2], p : p + self.width]
        target.copy_(rows[0].permute(1, 2, 0))

    def put(self, first: int, rows: Tensor) -> None:
        """Padded rows as :meth:`read` gives them, changed: back to their place."""
        target = self.rows[first + self.pad : first + self.pad + rows.shape[2]]
        source = rows[0].permute(1, 2, 0)
        if source.data_ptr() != target.data_ptr():
            target.copy_(source)

    def seal(self, padding: str) -> None:
        """Fills the padding, once all rows are written."""
        p, h, w = self.pad, self.height, self.width
        for i in range(p):
            for place, length in ((p - 1 - i, w), (p + w + i, w)):
                source = p + outside(place - p, length, padding)
                self.rows[p : p + h, place] = self.rows[p : p + h, source]
        for i in range(p):
            for place in (p - 1 - i, p + h + i):
                self.rows[place] = self.rows[p + outside(place - p, h, padding)]


class DiskStore(Store):
    """The same in a temporary file without a name, for what does not fit into memory."""

    def allocate(self, shape: tuple[int, int, int], device: torch.device) -> None:
        """Makes the file; it vanishes with the store."""
        self.device, self.row = device, shape[1:]
        self.row_bytes = shape[1] * shape[2] * self.dtype.itemsize
        self.file = tempfile.TemporaryFile(prefix="fst.")
        self.file.truncate(shape[0] * self.row_bytes)

    def __del__(self) -> None:
        if hasattr(self, "file"):
            self.file.close()

    def _get(self, place: int, count: int) -> Tensor:
        data = bytearray(count * self.row_bytes)
        if os.preadv(self.file.fileno(), [data], place * self.row_bytes) != len(data):
            raise InputError("the temporary folder's disk lost what was written to it")
        return torch.frombuffer(data, dtype=self.dtype).view(count, *self.row)

    def _set(self, place: int, rows: Tensor) -> None:
        data = rows.contiguous().cpu().view(torch.uint8).numpy().data.cast("B")
        done = 0
        while done < len(data):
            done += os.pwrite(self.file.fileno(), data[done:], place * self.row_bytes + done)

    def read(self, first: int, last: int) -> Tensor:
        """As :meth:`Store.read`, a copy."""
        rows = self._get(first + self.pad, last - first).to(self.device)
        return rows[None].permute(0, 3, 1, 2)

    def write(self, first: int, rows: Tensor) -> None:
        """As :meth:`Store.write`; the columns of the padding are filled here."""
        p = self.pad
        padded = rows.new_empty((rows.shape[2], *self.row))
        padded[:, p : p + self.width] = rows[0].permute(1, 2, 0)
        self._set(first + p, padded)

    def put(self, first: int, rows: Tensor) -> None:
        """As :meth:`Store.put`."""
        self._set(first + self.pad, rows[0].permute(1, 2, 0))

    def seal(self, padding: str) -> None:
        """As :meth:`Store.seal`."""
        p, h, w = self.pad, self.height, self.width
        if not p:
            return
        for start in range(0, h, 64):
            rows = self._get(p + start, min(64, h - start))
            for place in (*range(p), *range(p + w, w + 2 * p)):
                rows[:, place] = rows[:, p + outside(place - p, w, padding)]
            self._set(p + start, rows)
        for place in (*range(p), *range(p + h, h + 2 * p)):
            self._set(place, self._get(p + outside(place - p, h, padding), 1))


def outside(place: int, length: int, padding: str) -> int:
    """The row or column inside of ``[0, length)`` that padding puts at ``place``."""
    if padding == "circular":
        return place % length
    if padding == "replicate":
        return min(max(place, 0), length - 1)
    place = abs(place)
    return place if place < length else 2 * (length - 1) - place


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

    def __init__(self, store: Store, normalize: Callable[[Tensor], Tensor]) -> None:
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


def _normalizing(normalize: Callable[[Tensor], Tensor]) -> Change:
    return lambda rows, first, last: normalize(rows)


def _adding(store: Store, normalize: Callable[[Tensor], Tensor]) -> Change:
    return lambda rows, first, last: rows.add_(normalize(store.read(first, last)))


@dataclass(frozen=True)
class Plan:
    """How a picture is computed in little memory.

    Attributes:
        anew: the stages whose output is not kept, but computed again where it is read.
        disk: what is kept lies in the temporary folder.
        strip_bytes: of a strip's input and output.
    """

    anew: frozenset[int] = frozenset()
    disk: bool = False
    strip_bytes: int = STRIP_BYTES


def run(
    stages: Sequence[Stage],
    photo: Tensor,
    dtype: torch.dtype = torch.float32,
    plan: Plan | None = None,
    circular: bool = False,
) -> Tensor:
    """The net's output for one photo, before its last nonlinearity.

    Args:
        stages: of the net, with weights in ``dtype``.
        photo: ``(1, 3, H, W)`` in [0, 1], height and width multiples of 4.
        dtype: to compute in.
        plan: None keeps everything in memory.
        circular: pad with the other side of the picture, so that the output tiles the plane.

    Returns:
        ``(1, 3, H, W)``, float32.
    """
    plan = plan or Plan()
    new = DiskStore if plan.disk else Store

    def photo_rows(first: int, last: int) -> Tensor:
        rows = photo[:, :, first:last].to(dtype)
        return rows.contiguous(memory_format=torch.channels_last)

    source: Source = Made(photo.shape[2], photo.shape[3], photo_rows)
    kept: Kept | None = None
    inner: Store | None = None  # what a residual block computes in between
    output = torch.empty_like(photo, dtype=torch.float32, memory_format=torch.contiguous_format)
    for number, stage in enumerate(stages):
        up, down = stage.scale
        height, width = source.height * up // down, source.width * up // down
        padding = "circular" if circular else stage.padding
        strips = _strips(height, int(plan.strip_bytes / _row_bytes(stage, width, dtype)))
        if stage.norm is None:
            for first, last in strips:
                rows = source.rows(*stage.reach(first, last), stage.pad, padding)
                output[:, :, first:last] = stage(rows)
            return output
        follower = stages[number + 1]
        follower_padding = "circular" if circular else follower.padding
        statistics = Statistics()
        store: Store | None = None
        if stage.add:
            assert isinstance(source, Stored)
            store = source.store
        elif number not in plan.anew:
            size = (stage.channels, height, width, follower.pad)
            if follower.add and inner is not None:
                store = inner  # of the block before, whose rows have all been added by then
            else:
                store = new(*size, dtype, photo.device)
            if follower.add:
                inner = store
        carried: Tensor | None = None
        for first, last in strips:
            low, high = stage.reach(first, last)
            if carried is None:
                rows = source.rows(low, high, stage.pad, padding)
            else:  # the rows before were overwritten
                rest = source.rows(low + carried.shape[2], high, stage.pad, padding)
                rows = torch.cat([carried, rest], 2)
            if stage.add:
                carried = rows[:, :, -2 * stage.pad :].clone()
            rows = stage(rows)
            statistics.add(rows)
            if store is not None:
                store.write(first, rows)
            del rows
        normalize = statistics.normalizer(stage.norm, stage.relu)
        if not (stage.keep or stage.add or follower.add):
            kept = inner = None  # the last block is behind us
        if store is None:
            source = Made(height, width, _anew(stage, source, padding, normalize))
            continue
        store.seal(follower_padding)
        if stage.keep:
            source = kept = Kept(store, follower_padding)
            kept.renew(_normalizing(normalize))
        elif stage.add:
            assert kept is not None
            source = kept
            kept.renew(_adding(store, normalize))
        else:
            source = Stored(store, normalize)
    raise InputError("the last stage of a net has no norm")


def _anew(
    stage: Stage, source: Source, padding: str, normalize: Callable[[Tensor], Tensor]
) -> Callable[[int, int], Tensor]:
    def make(first: int, last: int) -> Tensor:
        step = 2 if stage.spread else 1
        low, high = first - first % step, last + last % step
        rows = stage(source.rows(*stage.reach(low, high), stage.pad, padding))
        return normalize(rows[:, :, first - low : last - low])

    return make


def _row_bytes(stage: Stage, width: int, dtype: torch.dtype) -> float:
    """Of a row of the output, ``width`` pixels, with its share of the input."""
    up, down = stage.scale
    return dtype.itemsize * width * (stage.channels + stage.weight.shape[1] * (down / up) ** 2)


def _strips(height: int, rows: int) -> Iterator[tuple[int, int]]:
    rows = max(2, rows - rows % 2)
    count = -(-height // rows)
    rows = -(-height // count)
    rows += rows % 2  # strips of about the same height, even
    for first in range(0, height, rows):
        yield first, min(first + rows, height)


def is_in_stages(net: nn.Module) -> bool:
    """Whether :func:`run` can run this net."""
    return isinstance(net, InStages)


def plans(stages: Sequence[Stage]) -> list[Plan]:
    """From the fastest to the one that takes the least memory."""
    full, half = [], []  # the stages whose output is as large as the picture, or half as wide
    scale = 4
    for number, stage in enumerate(stages):
        up, down = stage.scale
        scale = scale * up // down
        if stage.norm is not None:
            full += [number] if scale == 4 else []
            half += [number] if scale == 2 else []
    wide, wider = frozenset(full), frozenset(full + half)
    large = 4 * STRIP_BYTES
    return [
        Plan(),
        Plan(wide, strip_bytes=large),
        Plan(wider, strip_bytes=large),
        Plan(wider, strip_bytes=STRIP_BYTES // 4),
        Plan(wider, True, large),
        Plan(wider, True, STRIP_BYTES // 4),
    ]


def memory(stages: Sequence[Stage], height: int, width: int, dtype: torch.dtype, plan: Plan) -> int:
    """About how many bytes :func:`run` takes at most, its output included."""
    output = 12 * height * width
    # a strip's input, normalized, its output, and what the convolution needs
    rows = max(_row_bytes(stage, width, dtype) for stage in stages)
    work = 12 * min(max(plan.strip_bytes, 2 * rows), height * rows)
    most = now = kept = inner = 0
    h, w = height, width
    for number, stage in enumerate(stages[:-1]):
        up, down = stage.scale
        h, w = h * up // down, w * up // down
        size = stage.channels * (h + 2) * (w + 2) * dtype.itemsize
        size = 0 if plan.disk or number in plan.anew else size
        block = stages[number + 1].add
        if stage.add or (block and inner):
            continue  # where another stage's rows were
        most = max(most, now + kept + inner + size)
        if stage.keep:
            now, kept = 0, size
        elif block:
            inner = size
        elif number not in plan.anew:
            now, kept, inner = size, 0, 0
    return int(1.25 * (output + work + most))  # malloc leaves holes
