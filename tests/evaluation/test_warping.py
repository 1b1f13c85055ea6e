"""Warping errors against those that are known beforehand."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support import make_photo
from torch import Tensor

from fst.errors import InputError
from fst.evaluation import warping
from fst.evaluation.warping import (
    MOTIONS,
    Moved,
    found_motion,
    mean_warping_error,
    moving_window,
    pumping,
    sampled,
    sharpness,
    warping_error,
)

SIZE = (48, 64)


def photo(width: int = 128, height: int = 112) -> Tensor:
    pixels = np.asarray(make_photo(width, height)).astype(np.float32) / 255
    return torch.from_numpy(pixels).permute(2, 0, 1)[None]


def still(height: int, width: int) -> Moved:
    rows, columns = torch.arange(height).double(), torch.arange(width).double()
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), 2)
    return Moved(grid, torch.ones(height, width, dtype=torch.bool))


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_window_over_a_photo_is_steady(motion: str) -> None:
    frames, moves = moving_window(photo(), motion, 6, SIZE)
    assert [tuple(frame.shape[2:]) for frame in frames] == [SIZE] * 6
    assert len(moves) == 5
    assert all(0.8 < float(moved.seen.float().mean()) < 1 for moved in moves)
    assert mean_warping_error(frames, moves) < 2e-6
    # without its motion it is not
    assert mean_warping_error(frames, [still(*SIZE)] * 5) > 5 * mean_warping_error(frames, moves)


@pytest.mark.parametrize("motion", MOTIONS)
def test_flicker_is_what_was_added(motion: str) -> None:
    """Even frames are lighter by a tenth: every difference is a tenth."""
    frames, moves = moving_window(0.8 * photo(), motion, 5, SIZE)
    flickering = [frame + 0.1 * (number % 2) for number, frame in enumerate(frames)]
    assert mean_warping_error(flickering, moves) == pytest.approx(0.01, rel=0.02)


def test_noise_has_twice_its_variance() -> None:
    generator = torch.Generator().manual_seed(0)
    frames = [0.5 + 0.1 * torch.randn(1, 3, 60, 80, generator=generator) for _ in range(4)]
    assert mean_warping_error(frames, [still(60, 80)] * 3) == pytest.approx(0.02, rel=0.03)


def test_only_what_was_seen_counts() -> None:
    last, now = torch.zeros(1, 3, 10, 12), torch.zeros(1, 3, 10, 12)
    now[..., :4] = 1.0
    moved = still(10, 12)
    moved.seen[:, :3] = False
    assert warping_error(last, now, moved) == pytest.approx(1 / 9)
    moved.seen[:] = False
    assert math.isnan(warping_error(last, now, moved))


def test_cuts_are_left_out() -> None:
    frames = [torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)]
    assert mean_warping_error(frames, [None, still(8, 8)]) == pytest.approx(0.25)
    assert math.isnan(mean_warping_error(frames, [None, None]))


def test_the_pan_goes_the_way_it_says() -> None:
    frames, moves = moving_window(photo(), "pan", 2, SIZE)
    expected = still(*SIZE).places + torch.tensor(warping.PAN)
    torch.testing.assert_close(moves[0].places, expected.double())
    assert not moves[0].seen[:, -1].any()
    assert moves[0].seen[10, 10]
    assert not torch.equal(*frames)


def test_sampled_at_whole_places_is_the_picture() -> None:
    picture = torch.rand(1, 3, 9, 11)
    torch.testing.assert_close(sampled(picture, still(9, 11).places), picture, atol=1e-5, rtol=0)
    shifted = sampled(picture, still(9, 11).places + torch.tensor([2.0, 1.0]))
    torch.testing.assert_close(shifted[..., :-1, :-2], picture[..., 1:, 2:], atol=1e-5, rtol=0)


def test_a_window_that_leaves_the_photo_is_refused() -> None:
    with pytest.raises(InputError, match="128x112"):
        moving_window(photo(), "pan", 200, SIZE)
    with pytest.raises(InputError, match="pan, zoom, turn"):
        moving_window(photo(), "jump", 2, SIZE)


def test_motion_is_found() -> None:
    pytest.importorskip("cv2")
    grain = F.interpolate(
        torch.rand(1, 3, 40, 50, generator=torch.Generator().manual_seed(0)), scale_factor=3.0
    )
    frames, moves = moving_window(grain, "pan", 3, (96, 112))
    for (last, now), known in zip(pairwise(frames), moves, strict=True):
        found = found_motion(last, now)
        inner = found.seen[10:-10, 10:-10]
        assert inner.float().mean() > 0.9
        off = (found.places - known.places)[10:-10, 10:-10][inner]
        assert float(off.norm(dim=1).median()) < 0.15
        assert not found.seen[:, -1].any()


def test_pumping_is_the_second_difference() -> None:
    levels = [0.2, 0.3, 0.4, 0.6, 0.6]
    frames = [torch.full((1, 3, 4, 5), level) for level in levels]
    assert pumping(frames) == pytest.approx(255 * (0 + 0.1 + 0.2) / 3, rel=1e-5)


def test_sharpness_of_a_chessboard() -> None:
    """Each inner pixel differs by 1 from its four neighbors."""
    board = (torch.arange(12)[:, None] + torch.arange(12)).remainder(2).float()
    assert sharpness(board.expand(1, 3, 12, 12)) == pytest.approx(16.0)
    assert sharpness(torch.full((1, 3, 6, 6), 0.3)) == pytest.approx(0, abs=1e-9)
