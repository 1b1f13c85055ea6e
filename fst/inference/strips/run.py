"""One pass of a net in horizontal strips: the whole picture's result, in bounded memory.

Instance norm wants the mean and deviation of whole channels. So the net is run layer by layer: a
layer is computed strip by strip, its moments are gathered on the way (Chan et al. 1983), and the
next layer normalizes the rows that it reads, with as many rows above and below as its kernel
reaches. A strip stays in the processor's cache from the convolution before to the one after, which
makes this the fastest way on a CPU for pictures of any size.

What is too large to keep is computed again where it is needed (``Plan``), and what must be kept may
lie on the disk (:class:`~fst.inference.strips.stores.DiskStore`).

Source:
    Chan, Golub & LeVeque 1983, "Algorithms for Computing the Sample Variance".
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fst.errors import InputError
from fst.inference.flat import Surroundings
from fst.inference.strips.held import HeldMoments
from fst.inference.strips.moments import Moments, Normalizer
from fst.inference.strips.plans import Plan, row_bytes
from fst.inference.strips.rows import Kept, Made, Source, Stored, adding, normalizing
from fst.inference.strips.stores import DiskStore, Store
from fst.nets.layers import in_blocks
from fst.nets.stages import Stage
from fst.system.cancellation import stop_if_canceled


@dataclass(frozen=True)
class _Way:
    """How the stages are run."""

    stages: Sequence[Stage]
    plan: Plan
    dtype: torch.dtype
    device: torch.device
    circular: bool
    around: Surroundings | None = None
    held: HeldMoments | None = None
    moments: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """That the photo was normalized with, as they become known."""

    def padding(self, number: int) -> str:
        """Of a stage's input."""
        return "circular" if self.circular else self.stages[number].padding

    def strips(self, stage: Stage, height: int, width: int) -> Iterator[tuple[int, int]]:
        """The rows of the output, first and last, of one strip after the other."""
        return _strips(height, int(self.plan.strip_bytes / row_bytes(stage, width, self.dtype)))


def run(
    stages: Sequence[Stage],
    photo: Tensor,
    dtype: torch.dtype = torch.float32,
    plan: Plan | None = None,
    circular: bool = False,
    around: Surroundings | None = None,
    held: HeldMoments | None = None,
) -> Tensor:
    """The net's output for one photo, before its last nonlinearity.

    Args:
        stages: of the net, with weights in ``dtype``.
        photo: ``(1, 3, H, W)`` in [0, 1], height and width multiples of 4.
        dtype: to compute in.
        plan: None keeps everything in memory.
        circular: pad with the other side of the picture, so that the output tiles the plane.
        around: what the photo is normalized together with, if it is hardly one.
        held: the moments of the frames before, if the photo is a frame of a clip.

    Returns:
        ``(1, 3, H, W)``, float32.
    """
    way = _Way(stages, plan or Plan(), dtype, photo.device, circular, around, held)
    return _run(way, photo)


def moments_of(
    stages: Sequence[Stage], photo: Tensor, dtype: torch.dtype = torch.float32
) -> list[tuple[Tensor, Tensor]]:
    """Mean and variance of every channel at every norm of a net, for one photo.

    Args:
        stages: as for :func:`run`.
        photo: likewise.
        dtype: likewise.

    Returns:
        ``(C,)`` each, float32, at one norm after the other.
    """
    way = _Way(stages, Plan(), dtype, photo.device, False)
    _run(way, photo)
    return way.moments


def _run(way: _Way, photo: Tensor) -> Tensor:
    stages, dtype = way.stages, way.dtype

    def photo_rows(first: int, last: int) -> Tensor:
        rows = photo[:, :, first:last].to(dtype)
        return rows.contiguous(memory_format=torch.channels_last)

    source: Source = Made(photo.shape[2], photo.shape[3], photo_rows)
    block = _Block()
    output = torch.empty_like(photo, dtype=torch.float32, memory_format=torch.contiguous_format)
    for number, stage in enumerate(stages):
        if stage.norm is None:
            return _output(way, number, source, output)
        store = _place(way, number, source, block)
        normalize = _compute(way, number, source, store)
        source = _next_source(way, number, source, store, normalize, block)
    raise InputError("the last stage of a net has no norm")


@dataclass
class _Block:
    """What a residual block works on.

    Attributes:
        source: its input, to which its output is added.
        inner: what it computes in between.
    """

    source: Kept | None = None
    inner: Store | None = None


def _size(stage: Stage, source: Source) -> tuple[int, int]:
    """Height and width of the output."""
    up, down = stage.scale
    return source.height * up // down, source.width * up // down


def _place(way: _Way, number: int, source: Source, block: _Block) -> Store | None:
    """Where a stage's output goes; None where it is computed anew whenever it is read."""
    stage, follower = way.stages[number], way.stages[number + 1]
    if stage.add:  # over what it reads, which nobody needs any more
        assert isinstance(source, Stored)
        return source.store
    if number in way.plan.anew:
        return None
    if follower.add and block.inner is not None:
        store = block.inner  # of the block before, whose rows have all been added by then
    else:
        new = DiskStore if way.plan.disk else Store
        size = _size(stage, source)
        store = new(stage.channels, *size, follower.pad, way.dtype, way.device)
    if follower.add:
        block.inner = store
    return store


def _compute(way: _Way, number: int, source: Source, store: Store | None) -> Normalizer:
    """Computes a stage strip by strip, into its store; returns what normalizes its output."""
    stage, padding = way.stages[number], way.padding(number)
    moments = Moments()
    carried: Tensor | None = None
    for first, last in way.strips(stage, *_size(stage, source)):
        low, high = stage.reach(first, last)
        if carried is None:
            rows = source.rows(low, high, stage.pad, padding)
        else:  # the rows before were overwritten
            rest = source.rows(low + carried.shape[2], high, stage.pad, padding)
            rows = torch.cat([carried, rest], 2)
        if stage.add:
            carried = rows[:, :, -2 * stage.pad :].clone()
        _take(stage, stage.convolved(rows), first, moments, store)
        del rows
    assert stage.norm is not None
    own = moments.result()
    if way.around is not None:
        own = way.around.mixed(len(way.moments), *own)
    if way.held is not None:
        own = way.held.mixed(len(way.moments), *own)
    way.moments.append(own)
    return Normalizer(*own, stage.norm, stage.relu)


def _take(stage: Stage, rows: Tensor, first: int, moments: Moments, store: Store | None) -> None:
    """Gathers the moments of what a stage's convolution gave, and keeps it from ``first`` on."""
    blocks = stage.spread == "blocks"
    place = None if store is None else store.place(first, first + rows.shape[2] * (1 + blocks))
    if store is None or place is not None:
        moments.add(rows, blocks, place)
        return
    rows = in_blocks(rows) if blocks else rows
    moments.add(rows)
    store.write(first, rows)


def _next_source(
    way: _Way,
    number: int,
    source: Source,
    store: Store | None,
    normalize: Normalizer,
    block: _Block,
) -> Source:
    """What the following stage reads."""
    stage, follower = way.stages[number], way.stages[number + 1]
    if not (stage.keep or stage.add or follower.add):
        block.source = block.inner = None  # the last block is behind us
    if store is None:
        make = _anew(stage, source, way.padding(number), normalize)
        return Made(*_size(stage, source), make)
    padding = way.padding(number + 1)
    store.seal(padding)
    if stage.keep:
        block.source = Kept(store, padding)
        block.source.renew(normalizing(normalize))
        return block.source
    if stage.add:
        assert block.source is not None
        block.source.renew(adding(store, normalize))
        return block.source
    return Stored(store, normalize)


def _output(way: _Way, number: int, source: Source, output: Tensor) -> Tensor:
    """The last stage, into ``output``."""
    stage, padding = way.stages[number], way.padding(number)
    for first, last in way.strips(stage, *_size(stage, source)):
        rows = source.rows(*stage.reach(first, last), stage.pad, padding)
        output[:, :, first:last] = stage(rows)
    return output


def _anew(
    stage: Stage, source: Source, padding: str, normalize: Normalizer
) -> Callable[[int, int], Tensor]:
    def make(first: int, last: int) -> Tensor:
        step = 2 if stage.spread else 1
        low, high = first - first % step, last + last % step
        rows = stage(source.rows(*stage.reach(low, high), stage.pad, padding))
        return normalize(rows[:, :, first - low : last - low])

    return make


def _strips(height: int, rows: int) -> Iterator[tuple[int, int]]:
    rows = max(2, rows - rows % 2)
    count = -(-height // rows)
    rows = -(-height // count)
    rows += rows % 2  # strips of about the same height, even
    for first in range(0, height, rows):
        stop_if_canceled()
        yield first, min(first + rows, height)
