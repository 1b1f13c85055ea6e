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

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.inference.strips.plans import Plan, row_bytes
from fst.inference.strips.rows import Kept, Made, Source, Stored, adding, normalizing
from fst.inference.strips.statistics import Statistics
from fst.inference.strips.stores import DiskStore, Store
from fst.nets.stages import Stage


@runtime_checkable
class InStages(Protocol):
    """A net that can be run in strips."""

    def stages(self, dtype: torch.dtype) -> list[Stage]:
        """What :func:`run` computes, with weights in ``dtype``; heights are multiples of 4."""


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
        strips = _strips(height, int(plan.strip_bytes / row_bytes(stage, width, dtype)))
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
            kept.renew(normalizing(normalize))
        elif stage.add:
            assert kept is not None
            source = kept
            kept.renew(adding(store, normalize))
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
