"""fst.image.color: against PIL's YCbCr, scikit-image's CIELAB and its histogram matching."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.color import rgb2lab
from skimage.exposure import match_histograms
from torch import Tensor

from fst.choices import PRESERVE
from fst.errors import InputError
from fst.image import color
from fst.image.color import lab_to_rgb, preserve_color, rgb_to_lab


def draw(seed: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    """A picture of noise between ``low`` and ``high``, ``(1, 3, 20, 24)``."""
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(1, 3, 20, 24, generator=generator)


def draw_pale(seed: int) -> Tensor:
    """Noise whose brightness and colors can be exchanged without leaving [0, 1]."""
    return draw(seed, 0.35, 0.65)


def to_bytes(image: Tensor) -> NDArray[np.uint8]:
    array = (image[0].permute(1, 2, 0).double().numpy() * 255).round()
    return array.astype(np.uint8)


def ycbcr(image: Tensor) -> NDArray[np.float64]:
    return np.asarray(Image.fromarray(to_bytes(image)).convert("YCbCr")).astype(np.float64)


def lab(image: Tensor) -> NDArray[np.float64]:
    return np.asarray(rgb2lab(image[0].permute(1, 2, 0).double().numpy()))


def test_luma_takes_brightness_from_the_painting_and_chroma_from_the_photo() -> None:
    painted, photo = draw_pale(0), draw_pale(1)
    expected = np.concatenate([ycbcr(painted)[..., :1], ycbcr(photo)[..., 1:]], 2)
    # 8 bits: the result, both inputs and PIL's conversion are each rounded
    np.testing.assert_allclose(ycbcr(preserve_color(painted, photo, "luma")), expected, atol=2)


def test_luma_shifts_all_channels_of_the_photo_by_the_difference_in_brightness() -> None:
    # Cb and Cr are B and R less the brightness, times a factor: kept when all three move together
    painted, photo = draw_pale(0), draw_pale(1)
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)[None, :, None, None]
    difference = (weights * (painted.double() - photo.double())).sum(1, keepdim=True)
    result = preserve_color(painted, photo, "luma").double()
    torch.testing.assert_close(result, photo.double() + difference, rtol=0, atol=1e-5)


def test_lab_takes_lightness_from_the_painting_and_a_and_b_from_the_photo() -> None:
    painted, photo = draw_pale(0), draw_pale(1)
    expected = np.concatenate([lab(painted)[..., :1], lab(photo)[..., 1:]], 2)
    np.testing.assert_allclose(lab(preserve_color(painted, photo, "lab")), expected, atol=0.02)


def test_histogram_equals_scikit_images_of_8_bits() -> None:
    painted, photo = draw(0, 0.1, 0.7), draw(1) ** 2
    expected = match_histograms(to_bytes(painted), to_bytes(photo), channel_axis=-1)
    result = preserve_color(painted, photo, "histogram")
    np.testing.assert_array_equal(to_bytes(result), expected)


def test_histogram_of_a_picture_with_as_many_gray_levels_becomes_the_photos() -> None:
    photo = draw(1).mul(255).round().div(255)
    # every channel's values in another order, and darker: no level falls on another
    order = torch.randperm(20 * 24, generator=torch.Generator().manual_seed(2))
    painted = photo.flatten(2)[..., order].reshape(photo.shape)
    result = to_bytes(preserve_color(painted.clone(), photo, "histogram"))
    assert not np.array_equal(to_bytes(painted), to_bytes(photo))
    for channel in range(3):
        counts, expected = (
            np.bincount(array[..., channel].ravel(), minlength=256)
            for array in (result, to_bytes(photo))
        )
        np.testing.assert_array_equal(counts, expected)


def test_what_is_not_seen_does_not_count_in_a_histogram() -> None:
    painted, photo = draw(0, 0.1, 0.7), draw(1) ** 2
    alpha = torch.zeros(1, 1, 20, 24)
    alpha[..., 9:], alpha[..., 8] = 1, 0.5
    expected = to_bytes(painted)
    expected[:, 8:] = match_histograms(
        expected[:, 8:], to_bytes(photo)[:, 8:], channel_axis=-1
    ).astype(np.uint8)
    photo[..., :8] = 1
    result = preserve_color(painted.clone(), photo, "histogram", alpha)
    assert np.abs(to_bytes(result).astype(int) - expected).max() <= 1  # rounded down above
    np.testing.assert_array_equal(to_bytes(result)[:, :8], to_bytes(painted)[:, :8])
    unseen = preserve_color(painted.clone(), photo, "histogram", torch.zeros_like(alpha))
    assert torch.equal(unseen, painted)


@pytest.mark.parametrize("how", PRESERVE)
def test_an_opaque_alpha_changes_nothing(how: str) -> None:
    painted, photo = draw(0), draw(1)
    expected = preserve_color(painted.clone(), photo, how)
    assert torch.equal(preserve_color(painted, photo, how, torch.ones(1, 1, 20, 24)), expected)


@pytest.mark.parametrize("how", PRESERVE)
def test_a_picture_with_its_own_colors_stays_as_it_is(how: str) -> None:
    photo = draw(0).mul(255).round().div(255)
    result = preserve_color(photo.clone(), photo, how)
    torch.testing.assert_close(result, photo, rtol=0, atol=1e-4)


@pytest.mark.parametrize("how", PRESERVE)
def test_saturated_colors_stay_in_range_and_the_painting_is_changed_in_place(how: str) -> None:
    painted, photo = draw(0).round(), draw(1).round()
    before = painted.clone()
    result = preserve_color(painted, photo, how)
    assert result is painted
    assert not torch.equal(painted, before)
    assert torch.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.parametrize("how", ["luma", "lab"])
@pytest.mark.parametrize("pixels", [1, 3 * 24])  # rows of 24: one at a time; three, and two left
def test_pieces_of_a_large_picture_equal_one(
    how: str, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted, photo = draw(0), draw(1)
    whole = preserve_color(painted.clone(), photo, how)
    monkeypatch.setattr(color, "_ROWS", pixels)
    torch.testing.assert_close(preserve_color(painted, photo, how), whole, rtol=0, atol=1e-5)


def test_another_way_is_an_input_error_that_names_those_there_are() -> None:
    with pytest.raises(InputError, match="luma, lab, histogram, not 'hue'"):
        preserve_color(draw(0), draw(1), "hue")


def test_rgb_to_lab_equals_scikit_images() -> None:
    colors = torch.cat([draw(0), draw(1, 0.0, 0.06), draw(2).round()], 3)  # dark ones are linear
    expected = torch.from_numpy(lab(colors)).permute(2, 0, 1)[None]
    # the two round the matrix of the primaries differently
    torch.testing.assert_close(rgb_to_lab(colors).double(), expected, rtol=0, atol=0.03)


def test_lab_to_rgb_is_the_inverse_of_rgb_to_lab() -> None:
    colors = torch.cat([draw(0), draw(1, 0.0, 0.06), draw(2).round()], 3)
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(colors)), colors, rtol=0, atol=1e-4)
