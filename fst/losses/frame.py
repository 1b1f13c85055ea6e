"""Whether a net paints the border as it would paint the same place in the middle of a photo.

A net knows where the border is, by its padding. What the style lacks costs least there: trained for
long, it paints the painting's own frame, or its sky, along a border, whatever the photo shows, and
the objective is lower so (docs/quality.md, "The border"). Here a corner of the photo is cut off
smaller, and painted again: what was painted without a border near has to come out at the border.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

CUT = 32
"""Pixels that are cut off two sides, at most a quarter of the shorter: a frame is as wide."""

PATCHES = ((8, 8), (2, 32), (32, 2))
"""Height and width in pixels of the patches whose mean colors are compared: strokes may lie
otherwise, but neither a band nor a thin line may follow a border."""

LEAST = 32
"""Sides from which on the part that is left is one that a net paints."""

VARIES = 1e-4
"""Variance of a painted picture, in [0, 1], below which differences are not seen."""


def frame_error(
    paint: Callable[[Tensor], Tensor], photos: Tensor, painted: Tensor, draw: int
) -> Tensor:
    """How far a part of a photo, painted alone, is from that part of the painted photo.

    Mean squared difference of coarse colors, relative to the variance of what was painted. Its
    gradient goes through the part alone: the middle has nothing to learn from the border.

    Args:
        paint: the net, differentiable.
        photos: ``(N, 3, H, W)``, RGB in [0, 1], no side shorter than :data:`LEAST`.
        painted: what the net makes of them, of the same shape.
        draw: which corner is kept follows from it.

    Returns:
        ``(N,)``, at least 0: 0 where a border changes no color.

    Raises:
        ValueError: smaller photos.

    Source:
        Ours.
    """
    h, w = photos.shape[2:]
    if min(h, w) < LEAST:
        raise ValueError(f"a frame is looked for from {LEAST} pixels on")
    cut = min(CUT, min(h, w) // 4 // 4 * 4)  # a multiple of the net's step of 4
    down, right = (
        slice(cut, None) if drawn else slice(None, -cut)
        for drawn in torch.randint(2, (2,), generator=torch.Generator().manual_seed(draw)).tolist()
    )
    seen = painted.detach().float()
    away = paint(photos[:, :, down, right]).float() - seen[:, :, down, right]
    sides = away.shape[2:]
    means = [F.avg_pool2d(away, (min(a, sides[0]), min(b, sides[1]))) for a, b in PATCHES]
    error = torch.stack([mean.square().mean((1, 2, 3)) for mean in means]).mean(0)
    return error / seen.var((2, 3)).mean(1).clamp_min(VARIES)
