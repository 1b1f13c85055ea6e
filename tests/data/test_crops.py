"""fst.data.crops: the law of torchvision's RandomResizedCrop, from a seed and a place alone."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from support import make_photo
from torch import Tensor
from torchvision.transforms import v2

from fst.data.crops import Crop, CropAndFlip, seeded

DRAWS = 3000


def as_tensor(image: Image.Image) -> Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


# --- one crop ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "height"), [(48, 40), (9, 30), (1, 1), (300, 2)])
def test_crops_are_float32_squares_between_0_and_1(width: int, height: int) -> None:
    photo = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
    crops = torch.stack([CropAndFlip(16, 0.25, 0)(photo, place) for place in range(24)])
    assert crops.shape == (24, 3, 16, 16)
    assert crops.dtype == torch.float32
    assert crops.is_contiguous()
    assert 0 <= crops.min() <= crops.max() <= 1


def test_black_and_white_are_0_and_1() -> None:
    photo = torch.zeros(3, 20, 24, dtype=torch.uint8)
    photo[1] = 255
    crop = CropAndFlip(16, 0.25, 0)(photo, 0)
    assert crop.flatten(1).unique(dim=1).tolist() == [[0.0], [1.0], [0.0]]


@pytest.mark.parametrize("place", range(6))
def test_a_crop_shows_its_rectangle_as_pil_resizes_it(place: int) -> None:
    image = make_photo(60, 44)
    crop = CropAndFlip(16, 0.25, seed=1)
    top, left, height, width, flip = crop.rectangle(44, 60, place)
    cut = image.crop((left, top, left + width, top + height))
    expected = np.asarray(cut.resize((16, 16), Image.Resampling.BILINEAR), dtype=np.float32) / 255
    expected = expected[:, ::-1] if flip else expected
    got = crop(as_tensor(image), place).permute(1, 2, 0).numpy()
    np.testing.assert_allclose(got, expected, atol=1.5 / 255)


def test_mirrored_and_plain_crops_were_compared() -> None:
    flips = [CropAndFlip(16, 0.25, seed=1).rectangle(44, 60, place).flip for place in range(6)]
    assert set(flips) == {True, False}


# --- what a crop depends on ----------------------------------------------------------------------


def test_a_crop_follows_from_seed_and_place_alone() -> None:
    photo = as_tensor(make_photo())
    torch.manual_seed(1)
    first = CropAndFlip(16, 0.25, seed=3)(photo, 7)
    torch.manual_seed(2)
    again = CropAndFlip(16, 0.25, seed=3)
    again(photo, 11)  # whatever was cut before
    assert torch.equal(again(photo, 7), first)
    assert not torch.equal(CropAndFlip(16, 0.25, seed=4)(photo, 7), first)


def test_crops_of_one_photo_differ_between_places() -> None:
    crop = CropAndFlip(16, 0.25, seed=0)
    photo = as_tensor(make_photo())
    crops = [crop(photo, place) for place in range(20)]
    assert len({tuple(c.flatten().tolist()) for c in crops}) == 20


def test_a_crop_leaves_the_global_random_states_alone() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    CropAndFlip(16, 0.25, seed=0)(as_tensor(make_photo()), 3)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]
    assert random.getstate() == before[2]


def test_whether_a_crop_is_mirrored_does_not_depend_on_the_photo() -> None:
    crop = CropAndFlip(16, 0.25, seed=0)
    shapes = [(40, 48), (48, 40), (20, 1000), (1, 1)]
    for place in range(30):
        assert len({crop.rectangle(*shape, place).flip for shape in shapes}) == 1


@pytest.mark.parametrize("seed", [-1, 0, 2**31, 2**62])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert torch.rand(1, generator=seeded(seed, 5)) == torch.rand(1, generator=seeded(seed, 5))
    CropAndFlip(16, 0.5, seed).rectangle(40, 48, 10**9)


def test_neighboring_places_and_seeds_are_independent() -> None:
    others = (
        lambda place: seeded(0, place + 1),
        lambda place: seeded(1, place),
        lambda place: seeded(1, place - 1),
    )
    for other in others:
        pairs = torch.stack(
            [
                torch.stack([torch.rand(3, generator=g) for g in (seeded(0, place), other(place))])
                for place in range(DRAWS)
            ]
        )
        a, b = pairs[:, 0] - 0.5, pairs[:, 1] - 0.5
        correlation = a.T @ b / DRAWS * 12
        assert correlation.abs().max() < 5 / DRAWS**0.5  # five standard deviations


# --- the law -------------------------------------------------------------------------------------


def ours(height: int, width: int, min_scale: float, count: int = DRAWS) -> list[Crop]:
    crop = CropAndFlip(16, min_scale, seed=0)
    return [crop.rectangle(height, width, place) for place in range(count)]


def torchvisions(height: int, width: int, min_scale: float, count: int = DRAWS) -> list[Crop]:
    transform = v2.RandomResizedCrop(16, scale=(min_scale, 1.0), antialias=True)
    photo = torch.empty(3, height, width, dtype=torch.uint8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = [transform.make_params([photo]) for _ in range(count)]
    return [Crop(d["top"], d["left"], d["height"], d["width"], False) for d in drawn]


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Kolmogorov's and Smirnov's: the largest difference of the two distribution functions."""
    values = np.union1d(a, b)
    of_a, of_b = (np.searchsorted(np.sort(x), values, "right") / len(x) for x in (a, b))
    return float(np.abs(of_a - of_b).max())


FEATURES: dict[str, Callable[[Crop], float]] = {
    "share of the area": lambda crop: crop.height * crop.width,
    "aspect": lambda crop: crop.width / crop.height,
    "top": lambda crop: crop.top,
    "left": lambda crop: crop.left,
    "bottom": lambda crop: crop.top + crop.height,
    "right": lambda crop: crop.left + crop.width,
}


@pytest.mark.parametrize(
    ("height", "width", "min_scale"),
    [(480, 640, 0.5), (640, 427, 0.25), (100, 100, 0.08), (24, 20, 0.5), (300, 700, 0.5)],
)
def test_rectangles_are_distributed_as_torchvisions(
    height: int, width: int, min_scale: float
) -> None:
    a, b = ours(height, width, min_scale), torchvisions(height, width, min_scale)
    for name, feature in FEATURES.items():
        found, expected = (np.array([feature(crop) for crop in crops]) for crops in (a, b))
        # exceeded once in 50,000 times by two samples of one law
        assert distance(found, expected) < 2.4 * (2 / DRAWS) ** 0.5, name


def test_the_test_of_the_law_tells_other_laws_apart() -> None:
    right = ours(480, 640, 0.5)
    for wrong in (ours(480, 640, 0.4), ours(480, 600, 0.5)):
        assert any(
            distance(*(np.array([float(feature(crop)) for crop in c]) for c in (right, wrong)))
            > 2.4 * (2 / DRAWS) ** 0.5
            for feature in FEATURES.values()
        )


@pytest.mark.parametrize(
    ("height", "width"), [(20, 1000), (1000, 20), (21, 1001), (1, 50), (50, 1), (2, 3)]
)
def test_a_panorama_shows_its_middle_as_torchvision_does(height: int, width: int) -> None:
    found, expected = ours(height, width, 0.9, 20), torchvisions(height, width, 0.9, 20)
    if min(height, width) > 2:
        assert len({crop[:4] for crop in found}) == 1  # there is only one
    for crop in found:
        assert min(abs(crop.top - e.top) for e in expected) <= 1
        assert min(abs(crop.left - e.left) for e in expected) <= 1
        assert crop[2:4] in {e[2:4] for e in expected}


@pytest.mark.parametrize("min_scale", [0.01, 0.5, 1.0])
def test_every_rectangle_lies_within_its_photo(min_scale: float) -> None:
    crop = CropAndFlip(16, min_scale, seed=0)
    for place in range(1000):
        height, width = 1 + place % 37, 1 + place // 9
        top, left, h, w, _ = crop.rectangle(height, width, place)
        assert 0 <= top <= top + h <= height
        assert 0 <= left <= left + w <= width
        assert min(h, w) > 0


def ramps(side: int) -> Tensor:
    """A photo whose red tells the column, and whose green tells the row."""
    ramp = torch.linspace(0, 255, side).round().byte()
    across, down = ramp.expand(side, side), ramp[:, None].expand(side, side)
    return torch.stack([across, down, torch.zeros_like(across)])


def shares(crop: Tensor) -> tuple[float, float]:
    """Which share of the ramps' width (negative: mirrored) and height a crop shows."""
    size = crop.shape[2]
    across = float(crop[0, :, -1].mean() - crop[0, :, 0].mean())
    down = float(crop[1, -1].mean() - crop[1, 0].mean())
    return across * size / (size - 1), down * size / (size - 1)


def test_half_of_the_crops_are_mirrored_and_none_is_upside_down() -> None:
    crop, photo = CropAndFlip(16, 0.25, seed=0), ramps(64)
    found = [shares(crop(photo, place)) for place in range(200)]
    assert 70 < sum(across < 0 for across, _ in found) < 130
    assert all(down > 0 for _, down in found)


def test_as_many_are_mirrored_in_the_long_run() -> None:
    flips = [crop.flip for crop in ours(480, 640, 0.5)]
    assert abs(np.mean(flips) - 0.5) < 2.5 / DRAWS**0.5  # five standard deviations


@pytest.mark.parametrize("min_scale", [0.25, 0.7])
def test_a_crop_shows_at_least_the_smallest_share_of_the_area(min_scale: float) -> None:
    crop, photo = CropAndFlip(16, min_scale, seed=0), ramps(128)
    areas = [abs(across) * down for across, down in (shares(crop(photo, k)) for k in range(200))]
    assert min(areas) > min_scale - 0.06  # of which the rounding to whole pixels is most
    assert min(areas) < min_scale + 0.1
    assert max(areas) > 0.85


# --- how large a photo has to be -----------------------------------------------------------------


@pytest.mark.parametrize("min_scale", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("stretch", [1, 1.4])
def test_no_crop_of_a_photo_with_the_short_side_is_enlarged(
    min_scale: float, stretch: float
) -> None:
    crop = CropAndFlip(256, min_scale, seed=0)
    short, long = crop.short_side, round(crop.short_side * stretch)
    found = [min(crop.rectangle(short, long, place)[2:4]) for place in range(500)]
    assert min(found) >= 256
    if stretch == 1 and min_scale < 1:
        assert min(found) < 1.1 * 256  # and no larger than it has to be


def test_batches_take_the_sizes_in_turn() -> None:
    photo = as_tensor(make_photo())
    crop = CropAndFlip((16, 24, 20), 0.25, seed=0, batch_size=2)
    sides = [crop(photo, place).shape[1] for place in range(8)]
    assert sides == [16, 16, 24, 24, 20, 20, 16, 16]
    alone = CropAndFlip(24, 0.25, seed=0)
    assert torch.equal(crop(photo, 3), alone(photo, 3))  # the same rectangle
    assert crop.short_side == alone.short_side
