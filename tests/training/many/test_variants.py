"""fst.training.many.variants: crops, mirrored and in other colors, that follow from their place."""

import random

import pytest
import torch
from torch import Tensor

from fst.image.picture import Picture, resize
from fst.training.many.variants import variant


def ramp(width: int = 200, height: int = 150) -> Picture:
    """Red grows from left to right, green from top to bottom: a crop tells where it was cut."""
    red = ((torch.arange(width) + 0.5) / width).expand(height, width)
    green = ((torch.arange(height) + 0.5) / height)[:, None].expand(height, width)
    return Picture(torch.stack([red, green, torch.zeros(height, width)])[None])


def name(number: int) -> str:
    return f"{number:064x}"


def test_number_0_is_the_painting_as_it_is() -> None:
    picture = ramp()
    assert torch.equal(variant(picture, name(1), 64, 0, 0), resize(picture, 64).rgb)
    assert variant(picture, name(1), 64, 0, 0).shape == (1, 3, 48, 64)


def slopes(rgb: Tensor) -> tuple[float, float]:
    """How much red grows from column to column, and green from row to row, inside."""
    red, green = rgb[0, 0, 10:-10, 10:-10], rgb[0, 1, 10:-10, 10:-10]
    return red.diff(dim=1).mean().item(), green.diff(dim=0).mean().item()


def test_crops_have_strokes_as_large_as_the_whole_and_lie_anywhere_in_it() -> None:
    areas, mirrored, lefts, tops = [], 0, [], []
    for number in range(200):
        rgb = variant(ramp(), name(number), 128, 1, 0)
        across, down = slopes(rgb)
        assert abs(across) == pytest.approx(1 / 128, rel=0.03)
        assert down == pytest.approx(1 / 96, rel=0.03)
        mirrored += across < 0
        areas.append(rgb.shape[2] * rgb.shape[3] / (128 * 96))
        lefts.append(rgb[0, 0].min().item() / (1 - areas[-1] ** 0.5 + 1e-3))
        tops.append(rgb[0, 1].min().item())
        assert rgb.amin() >= 0
        assert rgb.amax() <= 1
    assert 0.43 < min(areas) < 0.5
    assert 0.95 < max(areas) <= 1
    assert 70 < mirrored < 130
    assert sum(left < 0.3 for left in lefts) > 20
    assert sum(left > 0.7 for left in lefts) > 20
    assert len({round(top, 2) for top in tops}) > 20


def test_the_first_crop_keeps_its_colors_and_others_change_them() -> None:
    gray = Picture(torch.full((1, 3, 60, 80), 0.5))
    gray.rgb[:, 0] = 0.25
    permuted, contrasts = 0, set()
    for number in range(100):
        kept = variant(gray, name(number), 64, 1, 0)
        assert torch.allclose(kept.mean((2, 3)), torch.tensor([[0.25, 0.5, 0.5]]), atol=1e-5)
        colors = variant(gray, name(number), 64, 2, 0).mean((2, 3))[0]
        red = min(range(3), key=lambda channel: colors[channel].item())
        permuted += red != 0
        others = [colors[channel].item() for channel in range(3) if channel != red]
        assert all(0.5 * 0.75 - 1e-4 <= value <= 0.5 * 1.25 + 1e-4 for value in others)
        assert 0.2 * 0.75 - 1e-4 <= colors[red].item() <= 0.3 * 1.25 + 1e-4
        contrasts.add(round(colors[red].item(), 3))
    assert 5 < permuted < 35  # two thirds of a quarter
    assert len(contrasts) > 50


def test_a_variant_follows_from_painting_size_number_and_seed_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    picture = Picture(torch.rand(1, 3, 90, 120, generator=generator))
    first = variant(picture, name(5), 64, 2, 7)
    torch.manual_seed(1)
    random.seed(1)
    assert torch.equal(variant(picture, name(5), 64, 2, 7), first)
    changed = [(name(6), 64, 2, 7), (name(5), 65, 2, 7), (name(5), 64, 3, 7), (name(5), 64, 2, 8)]
    for place in changed:
        other = variant(picture, *place)
        assert other.shape != first.shape or not torch.equal(other, first)


def test_what_is_transparent_stays_out_of_the_colors_of_crops() -> None:
    rgb, alpha = torch.full((1, 3, 80, 80), 0.8), torch.ones(1, 1, 80, 80)
    rgb[..., 40:], alpha[..., 40:] = 0.0, 0.0
    seen = variant(Picture(rgb, alpha), name(3), 64, 1, 0)
    assert seen[..., 0].amin() > 0.79 or seen[..., -1].amin() > 0.79
