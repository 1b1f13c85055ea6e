"""What a file says, feathered as a Gaussian does it, and shares that add up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fst.errors import InputError
from fst.inference import masks
from fst.inference.masks import feathered, load_mask, read_mask, shares

SIZE = (100, 200)


def write(folder: Path, array: NDArray[Any], name: str = "mask.png") -> Path:
    Image.fromarray(array.astype(np.uint8)).save(folder / name)
    return folder / name


def halves(height: int = SIZE[0], width: int = SIZE[1]) -> NDArray[Any]:
    """Black on the left, white on the right."""
    array = np.zeros((height, width))
    array[:, width // 2 :] = 255
    return array


def as_mask(array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(array / 255).float()[None, None]


def blurred_step(sigma: float) -> Tensor:
    """:func:`halves`' rows, convolved with a Gaussian: its cumulative distribution."""
    distance = torch.arange(SIZE[1], dtype=torch.float64) + 0.5 - SIZE[1] / 2
    return torch.special.ndtr(distance / sigma)


@pytest.mark.parametrize("level", [2, 128, 255])
def test_a_flat_mask_is_its_gray(tmp_path: Path, level: int) -> None:
    mask = load_mask(write(tmp_path, np.full(SIZE, level)), SIZE)
    assert mask.shape == (1, 1, *SIZE)
    torch.testing.assert_close(mask, torch.full_like(mask, level / 255), rtol=0, atol=1e-5)


def test_a_colored_mask_is_the_mean_of_its_channels(tmp_path: Path) -> None:
    mask = load_mask(write(tmp_path, np.full((*SIZE, 3), [255, 51, 0])), SIZE, feather=0)
    torch.testing.assert_close(mask, torch.full_like(mask, 306 / 765))


def test_transparent_pixels_are_black(tmp_path: Path) -> None:
    array = np.full((*SIZE, 4), 255)
    array[..., 3] = halves()
    mask = load_mask(write(tmp_path, array), SIZE, feather=0)
    assert torch.equal(mask, as_mask(halves()))


def test_without_feathering_every_pixel_stays_as_it_was(tmp_path: Path) -> None:
    array = np.random.default_rng(0).integers(0, 256, SIZE)
    torch.testing.assert_close(load_mask(write(tmp_path, array), SIZE, feather=0), as_mask(array))


def test_a_mask_of_another_size_is_resized_with_a_warning(tmp_path: Path) -> None:
    path = write(tmp_path, halves(25, 50))
    with pytest.warns(UserWarning, match="the mask is 50x25, the photo 200x100: resized"):
        mask = load_mask(path, SIZE, feather=0)
    # two pixels of the small mask are what a bicubic kernel reaches
    assert mask.shape == (1, 1, *SIZE)
    expected = as_mask(halves())
    for part in (slice(90), slice(110, None)):
        torch.testing.assert_close(mask[..., part], expected[..., part], rtol=0, atol=1e-6)
    assert 0 <= mask.min() <= mask.max() <= 1


def test_a_black_mask_warns_that_nothing_is_painted(tmp_path: Path) -> None:
    path = write(tmp_path, np.zeros(SIZE))
    with pytest.warns(UserWarning, match="no white: nothing is painted"):
        mask = load_mask(path, SIZE)
    assert torch.equal(mask, torch.zeros(1, 1, *SIZE))


def test_feathering_is_a_share_of_the_long_side(tmp_path: Path) -> None:
    mask = load_mask(write(tmp_path, halves()), SIZE, feather=0.015)
    expected = blurred_step(3.0).expand(1, 1, *SIZE)
    torch.testing.assert_close(mask.double(), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("sigma", [1.0, 3.5, 8.0, 15.0])  # from 8 on it is done at a smaller size
def test_feathering_is_a_gaussian_and_keeps_flat_areas_exact(sigma: float) -> None:
    mask = feathered(as_mask(halves()), sigma)
    expected = blurred_step(sigma).expand(1, 1, *SIZE)
    torch.testing.assert_close(mask.double(), expected, rtol=0, atol=0.02)
    reach = int(4.5 * sigma) + 1
    assert torch.equal(mask[..., : 100 - reach], torch.zeros(1, 1, 100, 100 - reach))
    assert torch.equal(mask[..., 100 + reach :], torch.ones(1, 1, 100, 100 - reach))


@pytest.mark.parametrize("levels", [(0, 255), (51, 204)])
@pytest.mark.parametrize("sigma", [1.0, 3.5, 8.0, 15.0])
def test_feathering_rises_all_the_way_across_an_edge(sigma: float, levels: tuple[int, int]) -> None:
    low, high = levels
    mask = feathered(as_mask(low + halves() * (high - low) / 255), sigma)
    steps = mask.diff(dim=3)
    rounding = 4e-5  # a hundredth of what 8 bits show
    assert steps.min() >= -rounding
    assert (steps[..., 98:101] > 0).all()
    assert low / 255 - rounding <= mask.min() <= mask.max() <= high / 255 + rounding


def test_feathering_a_narrow_mask_stays_in_range() -> None:
    mask = feathered(as_mask(halves(3, 200)), 6.0)
    assert mask.shape == (1, 1, 3, 200)
    assert mask.min() == 0
    assert mask.max() == 1
    assert 0.3 < mask[..., 99:101].mean() < 0.7


def test_shares_are_scaled_only_where_masks_add_up_to_more_than_one() -> None:
    first = torch.tensor([0.2, 0.5, 1.0, 1.0, 0.0]).reshape(1, 1, 1, 5)
    second = torch.tensor([0.3, 0.5, 1.0, 0.25, 0.0]).reshape(1, 1, 1, 5)
    expected = [[0.2, 0.5, 0.5, 0.8, 0.0], [0.3, 0.5, 0.5, 0.2, 0.0]]
    for share, wanted in zip(shares([first, second]), expected, strict=True):
        torch.testing.assert_close(share.flatten(), torch.tensor(wanted))


def test_shares_of_many_masks_add_up_to_at_most_one() -> None:
    masks = list(torch.rand(5, 1, 1, 8, 9, generator=torch.Generator().manual_seed(0)))
    total = torch.stack(shares(masks)).sum(0)
    torch.testing.assert_close(total, torch.stack(masks).sum(0).clamp_max(1))


def test_a_file_that_is_no_picture_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_text("white")
    with pytest.raises(InputError, match="not a picture"):
        load_mask(tmp_path / "mask.png", SIZE)
    with pytest.raises(InputError, match="no such file"):
        load_mask(tmp_path / "missing.png", SIZE)


def test_a_long_picture_is_feathered_along_its_length() -> None:
    mask = torch.zeros(1, 1, 16, 3000)
    mask[..., :1500] = 1
    for sigma in (30.0, 150.0, 600.0):
        column = feathered(mask, sigma)[0, 0, 8]
        expected = 0.5 * torch.erfc((torch.arange(3000) + 0.5 - 1500) / (sigma * 2**0.5))
        assert (column - expected)[200:-200].abs().max() < 0.02


def test_circular_feathering_goes_on_at_the_other_side() -> None:
    mask = torch.zeros(1, 1, 32, 64)
    mask[..., :32] = 1
    soft = feathered(mask, 3, circular=True)
    assert (soft[..., 0] - soft[..., -1]).abs().max() < 0.2
    rolled = feathered(mask.roll(16, 3), 3, circular=True)
    torch.testing.assert_close(rolled, soft.roll(16, 3), rtol=0, atol=1e-3)


def test_a_mask_of_the_photos_size_is_no_surprise(tmp_path: Path) -> None:
    Image.new("L", (64, 48), 255).save(tmp_path / "mask.png")
    assert load_mask(tmp_path / "mask.png", (24, 32), of=(64, 48)).shape == (1, 1, 24, 32)


@pytest.mark.parametrize("alpha", [None, 0.5])
def test_what_was_read_once_is_what_the_file_says(tmp_path: Path, alpha: float | None) -> None:
    path = write(tmp_path, halves())
    if alpha is not None:
        with Image.open(path) as image:
            image.putalpha(Image.new("L", (SIZE[1], SIZE[0]), int(255 * alpha)))
            image.save(path)
    mask = read_mask(path)
    for size in (SIZE, (50, 100), SIZE):
        of = (SIZE[1], SIZE[0])
        assert torch.equal(load_mask(mask, size, of=of), load_mask(path, size, of=of))


def test_a_mask_is_fitted_once_for_photos_of_one_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[float] = []
    blur = masks.feathered

    def counted(mask: Tensor, sigma: float, circular: bool = False) -> Tensor:
        fitted.append(sigma)
        return blur(mask, sigma, circular)

    monkeypatch.setattr(masks, "feathered", counted)
    mask = read_mask(write(tmp_path, halves()))
    for _ in range(3):
        load_mask(mask, SIZE)
    assert len(fitted) == 1
    load_mask(mask, SIZE, feather=0.1)
    assert len(fitted) == 2


def test_a_mask_over_the_limit_of_pixels_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, halves())
    with pytest.raises(InputError, match=r"mask\.png.*--max-pixels"):
        read_mask(path, SIZE[0] * SIZE[1] - 1)
    assert read_mask(path, SIZE[0] * SIZE[1]).values.shape == (1, 1, *SIZE)
