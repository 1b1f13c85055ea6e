"""Small pictures of one size, painted as a batch: each comes out as it does alone.

A picture that is one strip at every stage is all overhead: torch packs a layer's weights anew
whenever a convolution is called, which takes as long as a small picture's products. So all
pictures of a batch go through a layer together. The moments are each picture's own.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.inference.strips.moments import Moments, Normalizer
from fst.inference.strips.plans import row_bytes
from fst.nets.stages import Stage
from fst.system.cancellation import stop_if_canceled

MOST = 8
"""Pictures of a batch: more gain little (docs/scale.md)."""

SMALL = 4 << 20
"""Bytes of a stage's input and output, at most: what is larger gains nothing."""

LEAST = 72
"""Pixels of a side, with the margin: torch convolves less than that in float32 in another way where
there are several, and a picture would not come out as it does alone, to the bit."""


def fits(stages: Sequence[Stage], height: int, width: int, dtype: torch.dtype) -> bool:
    """Whether pictures of that size gain by it: those that are one strip at every stage.

    Args:
        stages: of the net, with weights in ``dtype``.
        height: of the picture that is shown to the net, with its margin.
        width: likewise.
        dtype: to compute in.
    """
    if min(height, width) < LEAST:
        return False
    h, w = height, width
    for stage in stages:
        up, down = stage.scale
        h, w = h * up // down, w * up // down
        if h * row_bytes(stage, w, dtype) > SMALL:
            return False
    return True


def run_together(stages: Sequence[Stage], photos: Tensor, dtype: torch.dtype) -> Tensor:
    """The net's output for several photos, before its last nonlinearity.

    Args:
        stages: of the net, with weights in ``dtype``.
        photos: ``(N, 3, H, W)`` in [0, 1], height and width multiples of 4.
        dtype: to compute in.

    Returns:
        ``(N, 3, H, W)``, float32: of each, what :func:`fst.inference.strips.run.run` makes of it
        alone (to the bit where torch's convolutions treat a picture of several like one).
    """
    x = photos.to(dtype).contiguous(memory_format=torch.channels_last)
    kept = x
    for stage in stages:
        stop_if_canceled()
        padded = F.pad(x, (stage.pad,) * 4, mode=stage.padding) if stage.pad else x
        y = stage.convolved(padded)
        if stage.norm is None:
            return y.float().contiguous()
        blocks = stage.spread == "blocks"
        made = _room_for(y) if blocks else y
        # one by one, since a picture is still in the cache for the second of two reads
        for number in range(len(y)):
            one = made[number : number + 1]
            moments = Moments()
            moments.add(y[number : number + 1], blocks, one if blocks else None)
            normalize = Normalizer(*moments.result(), stage.norm, stage.relu)
            if stage.add:
                normalize.added_to(kept[number : number + 1], one)
            else:
                normalize.over(one)
        x = kept if stage.add else made
        if stage.keep:
            kept = x
    raise InputError("the last stage of a net has no norm")


def _room_for(y: Tensor) -> Tensor:
    """Where blocks are to be spread."""
    n, c, h, w = y.shape
    size = (n, c // 4, 2 * h, 2 * w)
    return torch.empty(size, dtype=y.dtype, device=y.device, memory_format=torch.channels_last)
