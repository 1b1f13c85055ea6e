"""fst.losses.style: what every statistic of style has to be, one by one."""

from typing import Any

import pytest
import torch
from torch import Tensor

from fst import choices
from fst.errors import InputError
from fst.losses.style.table import STATISTICS, statistic_of

NAMES = list(STATISTICS)


def features(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_the_table_has_what_users_choose_between() -> None:
    assert tuple(STATISTICS) == choices.STATISTICS
    assert all(statistic_of(name) is STATISTICS[name] for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("draw", [0, 7])
def test_the_gradient_equals_finite_differences(name: str, draw: int) -> None:
    statistic = STATISTICS[name]
    target = statistic.measure(features(1, 5, 6, 7))
    pictures = features(2, 5, 5, 6, seed=1).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: statistic.error(f, target, draw), (pictures,))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("draw", [0, 7])
def test_a_painting_is_in_its_own_style_and_there_it_rests(name: str, draw: int) -> None:
    statistic = STATISTICS[name]
    painting = features(1, 5, 6, 7).relu().requires_grad_()
    error = statistic.error(painting, statistic.measure(painting.detach()), draw)
    assert error.item() == pytest.approx(0, abs=1e-12)
    (gradient,) = torch.autograd.grad(error.sum(), painting)
    assert gradient.abs().max().item() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_in_float32_the_painting_is_in_its_own_style(name: str) -> None:
    """More channels than positions, many of them dead: a covariance that is far from regular."""
    statistic = STATISTICS[name]
    painting = 300 * features(1, 48, 5, 6, dtype=torch.float32).relu()
    painting[:, ::5] = 0
    pictures = painting.clone().requires_grad_()
    error = statistic.error(pictures, statistic.measure(painting), 0)
    assert error.dtype == torch.float32
    assert error.item() == pytest.approx(0, abs=1e-5)
    (gradient,) = torch.autograd.grad(error.sum(), pictures)
    other = features(1, 48, 5, 6, seed=3, dtype=torch.float32).relu().mul(300).requires_grad_()
    far = statistic.error(other, statistic.measure(painting), 0)
    (steep,) = torch.autograd.grad(far.sum(), other)
    assert gradient.norm() < 0.01 * steep.norm()


@pytest.mark.parametrize("name", NAMES)
def test_errors_are_relative(name: str) -> None:
    """A scaled loss network changes nothing; features of zero are about as far as can be."""
    statistic = STATISTICS[name]
    painting, pictures = features(1, 6, 7, 8).relu(), features(2, 6, 5, 9, seed=1).relu()
    error = statistic.error(pictures, statistic.measure(painting), 3)
    scaled = statistic.error(1000 * pictures, statistic.measure(1000 * painting), 3)
    torch.testing.assert_close(scaled, error, rtol=1e-9, atol=0)
    nothing = statistic.error(torch.zeros_like(pictures), statistic.measure(painting), 3)
    # of patches that are zero, all are as near: any of the painting's is compared with
    spread = 0.6 if name == "patches" else 0.03
    torch.testing.assert_close(nothing, torch.ones_like(nothing), rtol=0, atol=spread)


@pytest.mark.parametrize("name", NAMES)
def test_pictures_are_judged_as_if_alone(name: str) -> None:
    statistic = STATISTICS[name]
    target = statistic.measure(features(1, 6, 7, 8))
    pictures = features(3, 6, 9, 5, seed=1)
    together = statistic.error(pictures, target, 2)
    assert together.shape == (3,)
    for picture, expected in zip(pictures, together, strict=True):
        torch.testing.assert_close(statistic.error(picture[None], target, 2)[0], expected)


@pytest.mark.parametrize("name", NAMES)
def test_style_is_where_nothing_is(name: str) -> None:
    """Positions in another order are the same style; of patches, patches in another order."""
    statistic = STATISTICS[name]
    painting = features(1, 6, 6, 8)
    if name == "patches":
        moved = torch.cat([painting[..., 4:], painting[..., :4]], 3)
        statistic = statistic_of("patches", 2, 2)
    else:
        order = torch.randperm(48, generator=torch.Generator().manual_seed(0))
        moved = painting.flatten(2)[..., order].view_as(painting)
    error = statistic.error(moved, statistic.measure(painting), 5)
    assert error.item() == pytest.approx(0, abs=1e-12)
    other = statistic.error(features(1, 6, 6, 8, seed=1), statistic.measure(painting), 5)
    assert other.item() > 0.01


@pytest.mark.parametrize("name", NAMES)
def test_bf16_features_are_judged_in_float32(name: str) -> None:
    statistic = STATISTICS[name]
    painting = features(1, 8, 12, 9, dtype=torch.float32).relu()
    pictures = features(2, 8, 10, 11, seed=1, dtype=torch.float32).relu()
    exact = statistic.error(pictures, statistic.measure(painting), 0)
    target = statistic.measure(painting.bfloat16())
    assert all(value.dtype == torch.float32 for value in target.values())
    rounded = pictures.bfloat16().requires_grad_()
    error = statistic.error(rounded, target, 0)
    assert error.dtype == torch.float32
    torch.testing.assert_close(error, exact, rtol=0.03, atol=0)
    (gradient,) = torch.autograd.grad(error.sum(), rounded)
    assert gradient.dtype == torch.bfloat16
    assert gradient.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_finite_is_no_finite_error(name: str) -> None:
    """A training leaves such a step out; an exception would end it."""
    statistic = STATISTICS[name]
    target = statistic.measure(features(1, 5, 6, 7))
    pictures = features(2, 5, 6, 6, seed=1)
    pictures[1, 2, 3, 3] = torch.nan
    error = statistic.error(pictures, target, 1)
    assert error.isfinite().tolist() == [True, False]


@pytest.mark.parametrize("name", NAMES)
def test_a_blank_painting_and_a_blank_picture_have_finite_gradients(name: str) -> None:
    statistic = STATISTICS[name]
    blank = torch.zeros(1, 5, 4, 4)
    for painting in (blank, blank + 2, features(1, 5, 4, 4, dtype=torch.float32)):
        pictures = blank.clone().requires_grad_()
        error = statistic.error(pictures, statistic.measure(painting), 1)
        (gradient,) = torch.autograd.grad(error.sum(), pictures)
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("grams",), ["grams", "gram", "moments", "patches"]),
        (("gram", 3), ["patch_size", "patches", "gram"]),
        (("moments", None, 1), ["patch_stride", "patches", "moments"]),
        (("patches", 0), ["patch_size", "1", "31", "0"]),
        (("patches", 32), ["patch_size", "31", "32"]),
        (("patches", 2.5), ["patch_size", "2.5"]),
        (("patches", 3, 4), ["patch_stride", "3", "4"]),
        (("patches", None, 4), ["patch_stride", "3", "4"]),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[Any, ...], says: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        statistic_of(*arguments)
    assert all(word in str(caught.value) for word in says)
