"""fst.evaluation.regularity, on pictures whose texture is known."""

import math
import random

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from fst.evaluation import regularity
from fst.evaluation.regularity import autocorrelation, measure_regularity

SIDE = 160
ROWS, COLUMNS = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")


def gray(values: Tensor) -> Tensor:
    return values.float().expand(1, 3, *values.shape[-2:])


def noise(exponent: float, seed: int = 0) -> Tensor:
    """Amplitude falls with the frequency to this power; standard deviation 0.1."""
    generator = torch.Generator().manual_seed(seed)
    frequencies = torch.fft.fftfreq(SIDE)
    radius = (frequencies[:, None].square() + frequencies.square()).sqrt().clamp_min(1 / SIDE)
    spectrum = torch.fft.fft2(torch.randn(1, 3, SIDE, SIDE, generator=generator))
    found = torch.fft.ifft2(spectrum / radius**exponent).real
    return 0.5 + 0.1 * found / found.std()


def strokes(spread: float) -> Tensor:
    """Strokes of random place, length, tone and, around the horizontal, direction (radians)."""
    draw, finer = random.Random(1), 4
    picture = Image.new("L", (SIDE * finer, SIDE * finer), 128)
    brush = ImageDraw.Draw(picture)
    for _ in range(1500):
        x, y = (draw.uniform(0, SIDE * finer) for _ in range(2))
        angle, length = draw.uniform(-spread, spread), finer * draw.uniform(6, 20)
        end = (x + length * math.cos(angle), y + length * math.sin(angle))
        brush.line([(x, y), end], fill=draw.randint(30, 225), width=3 * finer)
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return gray(torch.from_numpy(np.array(small) / 255))


def dots() -> Tensor:
    """3x3 pixels each, 9 apart in a row, rows 7 apart."""
    return ((ROWS % 7 < 3) & (COLUMNS % 9 < 3)).float()


def herringbone() -> Tensor:
    """Slanted lines, 8 apart, that change direction every 16 pixels."""
    return ((COLUMNS + torch.where(COLUMNS // 16 % 2 == 0, ROWS, -ROWS)) % 8 < 4).float()


@pytest.mark.parametrize("exponent", [0.0, 1.0, 1.5, 2.0])
def test_noise_is_not_regular(exponent: float) -> None:
    assert measure_regularity(noise(exponent)).height < 0.06


@pytest.mark.parametrize("spread", [0.2, math.pi])
def test_strokes_at_random_places_are_not_regular(spread: float) -> None:
    assert measure_regularity(strokes(spread)).height < 0.1


@pytest.mark.parametrize(
    ("texture", "period"),
    [((ROWS // 2 + COLUMNS // 2) % 2, math.hypot(2, 2)), (dots(), 7), (herringbone(), 8)],
    ids=["checkerboard", "dots", "herringbone"],
)
def test_what_repeats_exactly_is_1_at_its_period(texture: Tensor, period: float) -> None:
    found = measure_regularity(gray(texture))
    assert found.height == pytest.approx(1, abs=0.01)
    assert found.period == pytest.approx(period)


@pytest.mark.parametrize("period", [3, 4, 8, 11.3, 20, 30])
@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_waves_of_every_direction_are_regular(period: float, degrees: float) -> None:
    angle = math.radians(degrees)
    way = COLUMNS * math.cos(angle) + ROWS * math.sin(angle)
    found = measure_regularity(gray(0.5 + 0.3 * torch.sin(2 * math.pi * way / period)))
    assert found.height > 0.9
    # shifts are whole pixels: where the nearest are off, one of two or three periods is nearer
    assert min(abs(found.period - times * period) for times in (1, 2, 3)) < 0.6


@pytest.mark.parametrize("ratio", [0.5, 1.0, 2.0])
def test_dots_in_noise_have_their_share_of_the_differences(ratio: float) -> None:
    generator = torch.Generator().manual_seed(0)
    sigma = ratio * float(dots().std())
    noisy = gray(dots()) + sigma * torch.randn(1, 3, SIDE, SIDE, generator=generator)
    # of 63 pixels 6 differ from their left neighbor, and 6 from that above; noise differs by twice
    # its variance
    energy = 12 / 63
    expected = energy / (energy + 4 * sigma**2)
    assert measure_regularity(noisy).height == pytest.approx(expected, rel=0.1, abs=0.02)


def test_contrast_and_color_change_nothing_until_nothing_is_seen() -> None:
    texture = gray(dots()) * torch.tensor([1.0, 0.2, -0.5]).view(1, 3, 1, 1)
    heights = [measure_regularity(0.5 + c * texture).height for c in (0.5, 0.25, 0.125)]
    assert heights == pytest.approx([1, 1, 1], abs=0.05)
    assert measure_regularity(0.5 + 0.125 * texture.flip(1)).height == pytest.approx(heights[2])
    assert measure_regularity(0.5 + 0.001 * texture).height < 0.05


def test_light_on_a_weave_hides_nothing() -> None:
    weave = 0.05 * gray(herringbone())
    shade = gray(0.3 * torch.sin(COLUMNS / 40) + 0.3 * torch.cos(ROWS / 50))
    assert measure_regularity(0.5 + shade + weave).height > 0.9


def test_an_edge_and_nothing_at_all_are_not_regular() -> None:
    edge = gray(torch.sigmoid((COLUMNS + 0.3 * ROWS - 100) / 2))
    assert measure_regularity(edge).height < 0.02
    assert measure_regularity(gray(torch.full((SIDE, SIDE), 0.5))) == (0, 0)


def test_only_flat_places_of_the_photo_are_looked_at() -> None:
    wide = torch.arange(3 * SIDE).expand(SIDE, -1)
    weave = gray(((wide // 3) % 2).float())
    random_texture = torch.cat([noise(1, seed) for seed in range(3)], 3)
    left = gray((wide < 1.5 * SIDE).float())
    picture = left * weave + (1 - left) * random_texture
    flat_left = (1 - left) * random_texture + left * 0.5
    flat_right = left * random_texture + (1 - left) * 0.5
    assert measure_regularity(picture, flat_left).height > 0.95
    assert measure_regularity(picture, flat_right).height < 0.06


def test_the_autocorrelation_is_that_of_a_loop_in_double_precision() -> None:
    window = noise(0.5)[..., : regularity.WINDOW, : regularity.WINDOW]
    found = autocorrelation(window)[0]
    picture = window[0].double().numpy()
    here, right, below = picture[:, :-1, :-1], picture[:, :-1, 1:], picture[:, 1:, :-1]
    differences = np.concatenate([right - here, below - here])
    differences -= differences.mean((1, 2), keepdims=True)
    reach, side = found.shape[0] // 2, differences.shape[1]
    for row, column in [(0, 0), (0, 1), (5, 7), (32, 3), (33, 33)]:
        here = differences[:, : side - row, : side - column]
        there = differences[:, row:, column:]
        floor = here.size * regularity.UNSEEN**2
        expected = (here * there).sum() / math.sqrt(
            ((here**2).sum() + floor) * ((there**2).sum() + floor)
        )
        assert float(found[reach + row, reach + column]) == pytest.approx(expected, abs=1e-5)


def test_many_windows_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = noise(1) + 0.1 * gray(dots())
    whole = measure_regularity(picture)
    monkeypatch.setattr(regularity, "BATCH", 2)
    assert measure_regularity(picture) == pytest.approx(whole, abs=1e-5)


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="96 pixels"):
        measure_regularity(torch.rand(1, 3, 95, 200))
    assert measure_regularity(torch.rand(1, 3, 96, 96)).height < 0.3
