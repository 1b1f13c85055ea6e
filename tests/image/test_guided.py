"""fst.image.guided: edges come back where the painting follows the photo, and only there."""

import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from fst.image import guided
from fst.image.guided import EPS, guided_upsample
from fst.image.picture import resize_tensor
from fst.system.cancellation import Canceled, cancelable

SIZE = (64, 96)
SMALL = (16, 24)


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def step_photo() -> Tensor:
    """Gray, with one sharp upright edge."""
    photo = torch.full((1, 3, *SIZE), 0.2)
    photo[..., 50:] = 0.8
    return photo


def bicubic(image: Tensor, size: tuple[int, int] = SIZE) -> Tensor:
    return F.interpolate(image, size, mode="bicubic", align_corners=False).clamp(0, 1)


def affine(image: Tensor, factors: tuple[float, float, float]) -> Tensor:
    """Each channel of the painting: a factor of the photo's brightness, around a half."""
    return 0.5 + torch.tensor(factors)[None, :, None, None] * (image.mean(1, keepdim=True) - 0.5)


def factors_by_hand(painted: NDArray[np.float64], guide: NDArray[np.float64]) -> Tensor:
    """Regression of ``(3, h, w)`` on ``(h, w)`` in every 5x5 window, then the windows' mean."""
    height, width = guide.shape
    slopes = np.zeros((3, height, width))
    around = np.pad(guide, 2, mode="edge")
    for channel, image in enumerate(painted):
        strokes = np.pad(image, 2, mode="edge")
        for y, x in np.ndindex(height, width):
            window = np.s_[y : y + 5, x : x + 5]
            covariance = np.cov(around[window].ravel(), strokes[window].ravel(), bias=True)
            slopes[channel, y, x] = covariance[0, 1] / (covariance[0, 0] + EPS)
    padded = np.pad(slopes, ((0, 0), (2, 2), (2, 2)), mode="edge")
    means = np.stack([padded[:, y : y + height, x : x + width] for y, x in np.ndindex(5, 5)])
    return torch.from_numpy(means.mean(0))[None]


def test_the_photos_detail_is_added_as_often_as_a_regression_by_hand_says() -> None:
    size, small_size = (28, 36), (7, 9)
    photo = noise(*size).round()
    small = resize_tensor(photo, small_size).mean(1, keepdim=True)
    painted = 0.3 + 0.3 * small + 0.1 * noise(*small_size, seed=1)
    factors = factors_by_hand(painted[0].double().numpy(), small[0, 0].double().numpy())
    assert -1 < factors.min()
    assert factors.max() < 2
    factors = F.interpolate(factors, size, mode="bilinear")
    detail = photo.mean(1, keepdim=True) - F.interpolate(small, size, mode="bicubic")
    expected = F.interpolate(painted, size, mode="bicubic") + factors.float() * detail
    torch.testing.assert_close(
        guided_upsample(painted, photo), expected.clamp(0, 1), rtol=0, atol=1e-4
    )


def test_at_the_same_size_the_painting_stays_as_it_is() -> None:
    painted = noise(*SIZE)
    result = guided_upsample(painted.clone(), noise(*SIZE, seed=1))
    torch.testing.assert_close(result, painted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("size", [(64, 96), (41, 67), (20, 25)])
def test_the_result_has_the_photos_size_and_stays_in_range(size: tuple[int, int]) -> None:
    result = guided_upsample(noise(*SMALL).round(), noise(*size, seed=1).round())
    assert result.shape == (1, 3, *size)
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.parametrize("factors", [(1.0, 0.7, 0.4), (-0.3, -0.6, -0.9), (0.8, 0.5, -0.5)])
def test_edges_that_follow_the_photo_get_sharp_again(factors: tuple[float, float, float]) -> None:
    photo = step_photo()
    painted = affine(resize_tensor(photo, SMALL), factors)
    expected = affine(photo, factors)
    error = (guided_upsample(painted, photo) - expected).abs().mean((0, 2, 3))
    plain = (bicubic(painted) - expected).abs().mean((0, 2, 3))
    assert (error < plain / 5).all()


def test_the_photos_texture_comes_back_where_the_painting_follows_it() -> None:
    factors = (0.6, 0.5, 0.4)
    photo = noise(*SIZE)[:, :1].round().expand(1, 3, *SIZE)
    painted = affine(resize_tensor(photo, SMALL), factors)
    expected = affine(photo, factors)
    error = (guided_upsample(painted, photo) - expected).square().mean()
    assert error < 0.25 * (bicubic(painted) - expected).square().mean()


def test_a_painting_that_does_not_follow_the_photo_is_interpolated() -> None:
    # in any window, what changes along columns only is uncorrelated with what changes along rows
    photo = step_photo()
    painted = noise(SMALL[0], 1).expand(1, 3, *SMALL).contiguous()
    result = guided_upsample(painted, photo)
    torch.testing.assert_close(result, bicubic(painted), rtol=0, atol=1e-3)


def test_strokes_unrelated_to_a_textured_photo_stay_near_plain_interpolation() -> None:
    size = (160, 192)
    photo = noise(*size)[:, :1].round().expand(1, 3, *size)
    painted = 0.3 + 0.4 * noise(40, 48, seed=1)
    small = resize_tensor(photo, (40, 48))
    detail = photo - bicubic(small, size)
    change = guided_upsample(painted, photo) - bicubic(painted, size)
    # 5x5 pixels of independent noise correlate by chance, by a fifth in the root mean square
    by_chance = painted.std() / small.std() / 5
    assert change.square().mean().sqrt() < by_chance * detail.std()


def test_a_flat_painting_stays_flat() -> None:
    result = guided_upsample(torch.full((1, 3, *SMALL), 0.6), noise(*SIZE).round())
    torch.testing.assert_close(result, torch.full((1, 3, *SIZE), 0.6), rtol=0, atol=1e-3)


@pytest.mark.parametrize("pixels", [1, 7 * SIZE[1]])  # one row at a time; seven, and one left
def test_several_pieces_equal_one(pixels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    painted, photo = noise(*SMALL), noise(*SIZE, seed=1)
    whole = guided_upsample(painted, photo)
    monkeypatch.setattr(guided, "_ROWS", pixels)
    torch.testing.assert_close(guided_upsample(painted, photo), whole, rtol=0, atol=1e-6)


def test_the_painting_and_the_photo_are_not_changed() -> None:
    for size in (SMALL, SIZE):
        painted, photo = noise(*size), noise(*SIZE, seed=1)
        copies = painted.clone(), photo.clone()
        guided_upsample(painted, photo)
        assert torch.equal(painted, copies[0])
        assert torch.equal(photo, copies[1])


def test_a_larger_painting_is_made_small_without_moire() -> None:
    painted = torch.rand((1, 3, 120, 160), generator=torch.Generator().manual_seed(0))
    photo = torch.rand((1, 3, 30, 40), generator=torch.Generator().manual_seed(1))
    assert torch.equal(guided_upsample(painted, photo), resize_tensor(painted, (30, 40)))


def test_it_ends_where_nobody_waits_for_it() -> None:
    canceled = threading.Event()
    with cancelable(canceled):
        guided_upsample(noise(*SMALL), noise(*SIZE, seed=1))  # nobody has canceled it
        canceled.set()
        with pytest.raises(Canceled):
            guided_upsample(noise(*SMALL), noise(*SIZE, seed=1))
