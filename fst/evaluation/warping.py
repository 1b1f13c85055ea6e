"""How steady painted frames are: the warping error of the literature, and what goes with it.

What is shown at a place should move with it. So the last painted frame is moved along with the
*source's* motion and compared with this one, where the place was seen before. The motion is known
exactly where a clip is made of a photo (:func:`moving_window`), or found by optical flow
(:func:`found_motion`).

Source:
    Lai et al. 2018, "Learning Blind Video Temporal Consistency", section 4.2 (E_warp); Ruder et al.
    2016, "Artistic Style Transfer for Videos", section 5, for the check of what was seen before.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.inference.video.flow import agreement, flow_between
from fst.system.packages import need

MOTIONS = ("pan", "zoom", "turn")
"""Of a window over a photo."""

PAN = (1.3, 0.7)
"""Pixels a frame, across and down: never whole ones."""

ZOOM = 0.992
"""The window's size a frame, of what it was."""

TURN = 0.6
"""Degrees a frame."""


@dataclass(frozen=True)
class Moved:
    """Where each pixel of a frame was in the last one.

    Attributes:
        places: ``(H, W, 2)``, across and down, in pixels of the last frame.
        seen: ``(H, W)``, bool: it was there, and is compared.
    """

    places: Tensor
    seen: Tensor


def sampled(picture: Tensor, places: Tensor) -> Tensor:
    """A picture at other places, bicubic.

    Args:
        picture: ``(1, C, H, W)``.
        places: ``(h, w, 2)``, across and down, in pixels; beyond the border its last pixel.

    Returns:
        ``(1, C, h, w)``.
    """
    sides = torch.tensor([picture.shape[3] - 1, picture.shape[2] - 1]).clamp_min(1)
    grid = (2 * places / sides - 1)[None].to(picture.dtype)
    return F.grid_sample(picture, grid, "bicubic", "border", align_corners=True)


def warping_error(last: Tensor, now: Tensor, moved: Moved) -> float:
    """Mean squared difference of a frame from the last one moved along, where that was seen.

    Args:
        last: the frame before, ``(1, C, H, W)`` in [0, 1].
        now: the same shape.
        moved: between the two.

    Returns:
        0 is perfectly steady; not a number where nothing was seen before.
    """
    squares = (now - sampled(last, moved.places)).square().mean((0, 1))
    return float(squares[moved.seen].mean())


def mean_warping_error(frames: Sequence[Tensor], moves: Sequence[Moved | None]) -> float:
    """The mean over a clip.

    Args:
        frames: of the source or painted, ``(1, C, H, W)`` each.
        moves: from each frame to the next, so one fewer; None is a cut, which is left out.

    Returns:
        Not a number where no frame shows what the last one did.
    """
    errors = [
        warping_error(last, now, moved)
        for (last, now), moved in zip(pairwise(frames), moves, strict=True)
        if moved is not None
    ]
    found = [error for error in errors if not math.isnan(error)]
    return sum(found) / len(found) if found else math.nan


def moving_window(
    photo: Tensor, motion: str, frames: int, size: tuple[int, int]
) -> tuple[list[Tensor], list[Moved]]:
    """A clip whose motion is known: a window over a larger photo.

    Args:
        photo: ``(1, 3, H, W)`` in [0, 1].
        motion: one of :data:`MOTIONS`.
        frames: how many.
        size: height and width of a frame, in pixels.

    Returns:
        The frames, and the motion from each to the next.

    Raises:
        InputError: an unknown motion, or a window that leaves the photo.
    """
    if motion not in MOTIONS:
        raise InputError(f"motion must be one of {', '.join(MOTIONS)}, not {motion!r}")
    height, width = size
    middle = torch.tensor([(width - 1) / 2, (height - 1) / 2], dtype=torch.float64)
    center = torch.tensor([(photo.shape[3] - 1) / 2, (photo.shape[2] - 1) / 2]).double()
    rows, columns = torch.arange(height).double(), torch.arange(width).double()
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), 2)  # (H, W, 2)
    turns = [_window(motion, number - (frames - 1) / 2, number) for number in range(frames)]
    places = [(grid - middle) @ matrix.T + center + shift for matrix, shift in turns]
    limits = torch.tensor([photo.shape[3] - 1, photo.shape[2] - 1])
    if any(bool(((place < 0) | (place > limits)).any()) for place in places):
        raise InputError(
            f"a {motion} of {frames} frames of {width}x{height} leaves a photo of "
            f"{photo.shape[3]}x{photo.shape[2]}: take fewer or smaller frames"
        )
    moves = []
    for (matrix, shift), place in zip(turns, places[1:], strict=False):
        before = (place - center - shift) @ torch.linalg.inv(matrix).T + middle
        # a bicubic kernel reaches two pixels further
        inside = (before >= 1) & (before <= torch.tensor([width - 2, height - 2]))
        moves.append(Moved(before, inside.all(2)))
    return [sampled(photo, place).clamp(0, 1) for place in places], moves


def _window(motion: str, away: float, number: int) -> tuple[Tensor, Tensor]:
    """What a window's pixels, from its middle, are multiplied by, and where the middle lies."""
    still, here = torch.eye(2, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    if motion == "pan":
        return still, away * torch.tensor(PAN, dtype=torch.float64)
    if motion == "zoom":
        return still * ZOOM**number, here
    angle = math.radians(TURN * away)
    cosine, sine = math.cos(angle), math.sin(angle)
    return torch.tensor([[cosine, -sine], [sine, cosine]], dtype=torch.float64), here


def found_motion(last: Tensor, now: Tensor) -> Moved:
    """The motion between two frames of a clip, by DIS flow in both directions.

    Args:
        last: the source's frame before, ``(1, 3, H, W)`` in [0, 1].
        now: the same shape.

    Raises:
        InputError: OpenCV is not installed.
    """
    cv2 = need("cv2", "video", "the warping error of clips")
    frames = [frame[0].permute(1, 2, 0).mul(255).round().byte().numpy() for frame in (last, now)]
    gray = [cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in frames]
    back, forth = (
        torch.from_numpy(flow_between(gray[i], gray[1 - i], "medium")).double() for i in (1, 0)
    )
    height, width = back.shape[:2]
    rows, columns = torch.arange(height).double(), torch.arange(width).double()
    places = back + torch.stack(torch.meshgrid(columns, rows, indexing="xy"), 2)
    inside = ((places >= 0) & (places <= torch.tensor([width - 1, height - 1]))).all(2)
    there = sampled(forth.permute(2, 0, 1)[None], places)[0].permute(1, 2, 0)
    agree = torch.from_numpy(agreement(back.float().numpy(), there.float().numpy())) > 0
    return Moved(places, inside & agree)


def pumping(frames: Sequence[Tensor]) -> float:
    """How unevenly the brightness of a clip changes: mean second difference, in levels of 255.

    Args:
        frames: ``(1, 3, H, W)`` in [0, 1], at least three.
    """
    means = torch.tensor([float(frame.double().mean()) for frame in frames], dtype=torch.float64)
    return 255 * float(means.diff(n=2).abs().mean())


def sharpness(frame: Tensor) -> float:
    """Variance of the Laplacian of the brightness, of a frame ``(1, 3, H, W)`` in [0, 1]."""
    kernel = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    return float(F.conv2d(frame.float().mean(1, keepdim=True), kernel).var(correction=0))
