import pytest
import torch
from torch import Tensor

from fst.losses import stability
from fst.losses.stability import Motion, instability, random_motion


def blurry(n: int = 2, h: int = 64, w: int = 96) -> Tensor:
    """Something smooth enough to be moved by parts of pixels."""
    small = torch.rand(n, 3, h // 16, w // 16, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(small, (h, w), mode="bicubic").clamp(0, 1)


def still(photos: Tensor) -> Motion:
    n, _, h, w = photos.shape
    grid = torch.nn.functional.affine_grid(
        torch.eye(2, 3).expand(n, 2, 3), [n, 3, h, w], align_corners=False
    )
    return Motion(grid, torch.zeros_like(photos), torch.ones(n, 1, h, w))


def test_a_net_that_paints_each_pixel_for_itself_is_steady(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stability, "NOISE", 0.0)
    photos = blurry()
    values = instability(lambda x: 1 - x, photos, 1 - photos, random_motion(photos, 3))
    assert values.shape == (2,)
    assert float(values.max()) < 1e-4


def test_strokes_that_stay_where_they_are_do_not_move_with_the_photo() -> None:
    photos = blurry()
    strokes = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))

    def paint(photos: Tensor) -> Tensor:
        return strokes.expand_as(photos)

    values = instability(paint, photos, paint(photos), random_motion(photos, 3))
    # two noises that know nothing of each other differ by twice their variance; resampled ones vary
    # less, hence the room
    assert 1.2 < float(values.min()) <= float(values.max()) < 2.2


def test_without_motion_it_is_the_noise_over_the_variance() -> None:
    photos = 0.25 + 0.5 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4))
    motion = still(photos)
    noise = 0.1 * torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(5))
    noise = noise.clamp(-0.2, 0.2)  # nothing is cut off at black or white
    values = instability(lambda x: x, photos, photos, Motion(motion.grid, noise, motion.inside))
    variance = photos.var((2, 3)).mean()
    torch.testing.assert_close(values[0], noise.square().mean() / variance, rtol=1e-3, atol=0)


def test_a_paler_picture_is_no_steadier_one() -> None:
    photos, motion = blurry(), random_motion(blurry(), 6)
    strong = instability(lambda x: x.square(), photos, photos.square(), motion)
    pale = instability(
        lambda x: 0.4 + 0.2 * x.square(), photos, 0.4 + 0.2 * photos.square(), motion
    )
    torch.testing.assert_close(strong, pale, rtol=1e-3, atol=1e-6)


def test_a_seed_gives_one_motion_and_each_photo_its_own() -> None:
    photos = blurry()
    one, same, other = (random_motion(photos, seed) for seed in (7, 7, 8))
    assert torch.equal(one.grid, same.grid)
    assert torch.equal(one.noise, same.noise)
    assert not torch.equal(one.grid, other.grid)
    assert not torch.equal(one.grid[0], one.grid[1])


def test_it_moves_by_a_few_pixels_and_most_stays_inside() -> None:
    photos = torch.zeros(16, 3, 64, 96)
    motion = random_motion(photos, 9)
    by = (motion.grid - still(photos).grid) * torch.tensor([96, 64]) / 2
    assert 1 < float(by.abs().mean()) < 12
    assert float(by.abs().max()) < 32
    assert 0.6 < float(motion.inside.mean()) < 1


def test_a_turn_keeps_lengths_in_a_picture_that_is_not_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SHIFT", "ZOOM", "BEND"):
        monkeypatch.setattr(stability, name, 0.0)
    grid = random_motion(torch.zeros(1, 3, 40, 120), 10).grid[0] * torch.tensor([120, 40]) / 2
    across, down = grid[20, 60] - grid[20, 20], grid[30, 60] - grid[10, 60]
    assert float(across.norm()) == pytest.approx(40, rel=1e-4)
    assert float(down.norm()) == pytest.approx(20, rel=1e-4)
    assert float(across @ down) == pytest.approx(0, abs=1e-2)


def test_gradients_reach_both_passes() -> None:
    photos, motion = blurry(1), random_motion(blurry(1), 11)
    weight = torch.ones(1, requires_grad=True)
    painted = photos * weight
    painted.retain_grad()
    instability(lambda x: (x * weight).square(), photos, painted, motion).sum().backward()
    assert weight.grad is not None
    assert painted.grad is not None
    assert float(painted.grad.abs().sum()) > 0
