"""Whether a net paints the border as it would paint the same place in the middle of a photo.

A net knows where the border is, by its padding, and there it can add at the least cost what the
style still lacks. So a net that is trained for long paints the painting's own frame, or its sky,
along a border, whatever the photo shows, and the objective is lower so (docs/quality.md, "The
border"). Here two sides of a photo are cut off, and the rest is painted alone: its new borders
should look as they did when the photo went on there.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.image.blank import is_blank
from fst.losses.stability import VARIES

CUT = 32
"""Pixels cut off at two sides, a multiple of the nets' step of 4: about as wide as a frame."""

SMALLEST = 128
"""Least side in pixels of a photo, of which three quarters are left."""

PATCHES = ((8, 8), (2, 32), (32, 2))
"""Height and width in pixels of the patches whose mean colors are compared: strokes may lie
elsewhere, but neither a band nor a thin line may follow a border."""


def frame_error(
    paint: Callable[[Tensor], Tensor], photos: Tensor, painted: Tensor, draw: int
) -> Tensor:
    """How far a part of a photo, painted alone, is from that part of the painted photo.

    Mean squared difference of patches' colors, relative to the variance of what was painted. Its
    gradient goes through the part alone: the middle has nothing to learn from the border. Where a
    net normalizes by the whole photo's statistics, the part has others, and that counts, too.

    Args:
        paint: the net, differentiable.
        photos: ``(N, 3, H, W)``, RGB in [0, 1], no side shorter than :data:`SMALLEST`.
        painted: what the net makes of them, of the same shape.
        draw: which two sides are cut off follows from it, for all photos alike.

    Returns:
        ``(N,)``, at least 0: 0 where the part is painted as it was in the whole, or shows nothing.

    Raises:
        ValueError: smaller photos.

    Source:
        Ours.
    """
    if min(photos.shape[2:]) < SMALLEST:
        raise ValueError(f"a frame is looked for from {SMALLEST} pixels on")
    down, right = (
        slice(CUT, None) if drawn else slice(None, -CUT)
        for drawn in torch.randint(2, (2,), generator=torch.Generator().manual_seed(draw)).tolist()
    )
    part, seen = photos[:, :, down, right], painted.detach().float()
    away = paint(part).float() - seen[:, :, down, right]
    means = [F.avg_pool2d(away, patch, ceil_mode=True) for patch in PATCHES]
    error = torch.stack([mean.square().mean((1, 2, 3)) for mean in means]).mean(0)
    error = error / seen.var((2, 3)).mean(1).clamp_min(VARIES)
    # of a part without anything in it, a net's norms have no finite gradient
    return torch.where(is_blank(part), torch.zeros_like(error), error)
