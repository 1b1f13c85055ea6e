"""How much a painted picture changes when nothing in the photo did but its place, and some noise.

A net that was trained on single photos paints other strokes as soon as a photo moves by a pixel. In
a clip that flickers. Here a still photo is moved smoothly, as a camera and what it sees would move,
and what is painted of it has to move alike. So no clips are needed to learn from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SHIFT = 8.0
"""Pixels by which a picture moves at most, across and down: some frames of a slow pan."""

TURN = 0.035
"""Radians by which it turns at most: two degrees."""

ZOOM = 0.03
"""By which it grows or shrinks at most, as a share."""

BEND = 2.0
"""Standard deviation in pixels of what moves by itself, on a grid of :data:`KNOTS`."""

KNOTS = 5
"""Places across and down whose bends are drawn; between them it is smooth."""

NOISE = 0.01
"""Standard deviation of the noise of a camera's frame, in [0, 1]."""

VARIES = 1e-4
"""Variance of a painted picture, in [0, 1], below which differences are not seen."""


@dataclass(frozen=True)
class Motion:
    """Where pictures move to.

    Attributes:
        grid: ``(N, H, W, 2)``: where each pixel comes from, as ``grid_sample`` wants it.
        noise: ``(N, 3, H, W)``, added to the photo afterwards.
        inside: ``(N, 1, H, W)``: 1 where a pixel comes from inside the picture, else 0.
    """

    grid: Tensor
    noise: Tensor
    inside: Tensor

    def moved(self, pictures: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same, moved; differentiable."""
        return F.grid_sample(
            pictures.float(), self.grid, "bicubic", padding_mode="reflection", align_corners=False
        )


def random_motion(photos: Tensor, seed: int) -> Motion:
    """A motion for each photo: a shift, a turn, a zoom and a smooth bend.

    Args:
        photos: ``(N, 3, H, W)``: their number, size and device.
        seed: the same one gives the same motion on every device; the noise is drawn where it is
            wanted, and each kind of device draws another.
    """
    n, _, h, w = photos.shape
    at, draw = photos.device, torch.Generator().manual_seed(seed)
    sides = torch.tensor([w, h], dtype=torch.float32)
    shift = (2 * torch.rand(n, 2, generator=draw) - 1) * SHIFT * 2 / sides
    angle = (2 * torch.rand(n, generator=draw) - 1) * TURN
    scale = 1 + (2 * torch.rand(n, generator=draw) - 1) * ZOOM
    bend = (torch.randn(n, 2, KNOTS, KNOTS, generator=draw) * BEND).to(at)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    # a turn in pixels: the grid counts from -1 to 1 on sides of any length
    rows = [cos, -sin * h / w, shift[:, 0], sin * w / h, cos, shift[:, 1]]
    moves = torch.stack(rows, 1).view(n, 2, 3).to(at)
    # to send as many numbers as a photo has would make a GPU wait at every step
    own = draw if at.type == "cpu" else torch.Generator(at).manual_seed(seed)
    noise = torch.randn(n, 3, h, w, generator=own, device=at) * NOISE
    grid = F.affine_grid(moves, [n, 3, h, w], align_corners=False)
    smooth = F.interpolate(bend, (h, w), mode="bicubic", align_corners=True)
    grid = grid + smooth.permute(0, 2, 3, 1) * 2 / sides.to(at)
    inside = (grid.abs() <= 1).all(3)[:, None].float()
    return Motion(grid, noise, inside)


def instability(
    paint: Callable[[Tensor], Tensor], photos: Tensor, painted: Tensor, motion: Motion
) -> Tensor:
    """Squared difference between the moved photo painted and the painted photo moved.

    It is relative to the variance of what was painted, so that a paler picture is no steadier one.

    Args:
        paint: the net, differentiable.
        photos: ``(N, 3, H, W)``, RGB in [0, 1].
        painted: what the net makes of them, of the same shape.
        motion: of :func:`random_motion`.

    Returns:
        ``(N,)``, at least 0; 2 where the two have nothing to do with each other.

    Source:
        Ours, for the idea: Gupta et al. 2017, "Characterizing and Improving Stability in Neural
        Style Transfer"; Ruder et al. 2018, section 5, for the loss on moved frames.
    """
    again = paint((motion.moved(photos) + motion.noise).clamp(0, 1)).float()
    before = motion.moved(painted)
    pixels = 3 * motion.inside.sum((1, 2, 3)).clamp_min(1)
    error = ((again - before).square() * motion.inside).sum((1, 2, 3)) / pixels
    varies = painted.detach().float().var((2, 3)).mean(1).clamp_min(VARIES)
    return error / varies
