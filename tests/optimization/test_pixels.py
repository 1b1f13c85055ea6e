"""fst.optimization.pixels: against known optima, recounted evaluations and recomputed losses."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fst.errors import DivergedError, InputError
from fst.inference.painter import feedforward
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.optimization.pixels import Iterate, initial_image, optimize


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def photo() -> Tensor:
    return draw(1, 3, 20, 24, seed=5)


class Quadratic(nn.Module):
    """``sum_i stiffness_i (x_i - target_i)^2``: a bowl whose bottom is known."""

    def __init__(self, target: Tensor, stiffness: Tensor | None = None) -> None:
        super().__init__()
        self.target = target
        self.stiffness = torch.ones_like(target) if stiffness is None else stiffness
        self.calls = 0
        self.breaks_at = math.inf
        self.broken = math.nan

    def content_targets(self, photo: Tensor) -> dict[str, Tensor]:
        return {}

    def forward(self, images: Tensor, targets: Mapping[str, Tensor]) -> LossTerms:
        self.calls += 1
        bowl = (self.stiffness * (images - self.target).square()).flatten(1).sum(1)
        if self.calls > self.breaks_at:
            bowl = bowl * self.broken
        return LossTerms(bowl, torch.zeros_like(bowl), torch.zeros_like(bowl))


def run(loss: nn.Module, photo: Tensor, **settings: Any) -> list[Iterate]:
    return list(optimize(loss, photo, **settings))  # type: ignore[arg-type]


def totals(iterates: list[Iterate]) -> list[float]:
    return [float(iterate.terms.total) for iterate in iterates]


# --- iterates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("optimizer", "factor"), [("lbfgs", 0.7), ("adam", 0.9)])
@pytest.mark.parametrize("init", ["photo", "noise"])
def test_the_objective_falls(
    random_loss: PerceptualLoss, photo: Tensor, optimizer: str, factor: float, init: str
) -> None:
    objectives = totals(run(random_loss, photo, init=init, optimizer=optimizer, iterations=20))
    assert objectives[-1] < factor * objectives[0]


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("iterations", [0, 1, 5])
def test_the_start_comes_first_and_every_iteration_once(
    random_loss: PerceptualLoss, photo: Tensor, optimizer: str, iterations: int
) -> None:
    start = draw(*photo.shape, seed=8)
    iterates = run(random_loss, photo, init=start, optimizer=optimizer, iterations=iterations)
    assert [iterate.iteration for iterate in iterates] == list(range(iterations + 1))
    assert torch.equal(iterates[0].image, start)
    assert len({tuple(iterate.image.flatten().tolist()) for iterate in iterates}) == iterations + 1


@pytest.mark.parametrize(
    "settings", [{}, {"optimizer": "adam"}, {"optimizer": "adam", "clamp": True, "init": "noise"}]
)
def test_the_terms_of_an_iterate_are_those_of_its_image(
    random_loss: PerceptualLoss, photo: Tensor, settings: dict[str, Any]
) -> None:
    iterates = run(random_loss, photo, iterations=4, **settings)
    targets = random_loss.content_targets(photo)
    for iterate in iterates:
        again = random_loss(iterate.image, targets)
        for term, expected in zip(iterate.terms, again, strict=True):
            torch.testing.assert_close(term, expected, rtol=1e-5, atol=1e-7)


def test_iterates_carry_no_graph(random_loss: PerceptualLoss, photo: Tensor) -> None:
    for iterate in run(random_loss, photo, iterations=2):
        assert not iterate.image.requires_grad
        assert not any(term.requires_grad for term in iterate.terms)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_an_iteration_is_one_evaluation(
    random_loss: PerceptualLoss, photo: Tensor, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    forward = random_loss.forward

    def counted(images: Tensor, targets: Mapping[str, Tensor]) -> LossTerms:
        calls.append(1)
        return forward(images, targets)

    monkeypatch.setattr(random_loss, "forward", counted)
    counts = []
    for _ in optimize(random_loss, photo, optimizer=optimizer, iterations=6):
        counts.append(len(calls))
    assert counts == [1, 2, 3, 4, 5, 6, 7]


def test_who_stops_early_pays_for_no_more(photo: Tensor) -> None:
    loss = Quadratic(draw(*photo.shape))
    iterates: Any = optimize(loss, photo, iterations=100)  # type: ignore[arg-type]
    for _ in range(3):
        next(iterates)
    iterates.close()
    assert loss.calls == 3


@pytest.mark.parametrize("init", ["photo", "noise", "blend"])
def test_the_same_seed_gives_the_same_picture(
    random_loss: PerceptualLoss, photo: Tensor, init: str
) -> None:
    first, second = (run(random_loss, photo, init=init, iterations=3, seed=4) for _ in range(2))
    assert torch.equal(first[-1].image, second[-1].image)


def test_photo_and_start_are_left_as_they_were(random_loss: PerceptualLoss, photo: Tensor) -> None:
    start = draw(*photo.shape, seed=8)
    before = photo.clone(), start.clone()
    run(random_loss, photo, iterations=2)
    run(random_loss, photo, init=start, optimizer="adam", clamp=True, iterations=2)
    assert torch.equal(photo, before[0])
    assert torch.equal(start, before[1])
    assert not photo.requires_grad
    assert not start.requires_grad


def test_a_nets_output_can_be_the_start(random_loss: PerceptualLoss, photo: Tensor) -> None:
    torch.manual_seed(0)
    painted = feedforward(JohnsonNet(width=4, residual_blocks=1), photo)
    iterates = run(random_loss, photo, init=painted, iterations=5)
    torch.testing.assert_close(iterates[0].image, painted.clone())
    assert totals(iterates)[-1] < totals(iterates)[0]


# --- known optima --------------------------------------------------------------------------------


def test_lbfgs_finds_the_bottom_of_an_uneven_bowl(photo: Tensor) -> None:
    target = draw(*photo.shape, seed=1)
    loss = Quadratic(target, 0.2 + 5 * draw(*photo.shape, seed=2))
    iterates = run(loss, photo, iterations=60)
    torch.testing.assert_close(iterates[-1].image, target, rtol=0, atol=1e-3)
    assert totals(iterates)[-1] < 1e-5 * totals(iterates)[0]


def test_adam_finds_it_too(photo: Tensor) -> None:
    target = draw(*photo.shape, seed=1)
    iterates = run(Quadratic(target), photo, optimizer="adam", iterations=300)
    torch.testing.assert_close(iterates[-1].image, target, rtol=0, atol=1e-2)


def test_adams_first_step_is_its_learning_rate(photo: Tensor) -> None:
    """Adam's first step has the length of the rate in every pixel (Kingma & Ba 2014, section 2)."""
    target = photo + 0.5
    for rate, settings in ((0.02, {}), (0.125, {"learning_rate": 0.125})):
        iterates = run(Quadratic(target), photo, optimizer="adam", iterations=1, **settings)
        step = iterates[1].image - iterates[0].image
        torch.testing.assert_close(step, torch.full_like(step, rate), rtol=1e-4, atol=1e-6)


def test_clamping_keeps_every_iterate_between_0_and_1(photo: Tensor) -> None:
    outside = 4 * draw(*photo.shape, seed=1) - 1.5  # the bottom lies outside in most pixels
    settings = {"optimizer": "adam", "learning_rate": 0.1, "iterations": 100}
    clamped = run(Quadratic(outside), photo, clamp=True, **settings)
    assert all(0 <= i.image.min() and i.image.max() <= 1 for i in clamped)
    torch.testing.assert_close(clamped[-1].image, outside.clamp(0, 1), rtol=0, atol=0.02)
    free = run(Quadratic(outside), photo, **settings)
    assert free[-1].image.min() < -0.5
    assert free[-1].image.max() > 1.5


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("broken", [math.nan, math.inf])
@pytest.mark.parametrize("at", [0, 3, 5])
def test_an_objective_that_is_not_finite_ends_with_its_iteration(
    photo: Tensor, optimizer: str, broken: float, at: int
) -> None:
    loss = Quadratic(draw(*photo.shape))
    loss.breaks_at, loss.broken = at, broken
    iterates: Any = optimize(loss, photo, optimizer=optimizer, iterations=5)  # type: ignore[arg-type]
    assert [next(iterates).iteration for _ in range(at)] == list(range(at))
    with pytest.raises(DivergedError, match=f"iteration {at}:"):
        next(iterates)


def test_a_learning_rate_far_too_high_is_told(random_loss: PerceptualLoss, photo: Tensor) -> None:
    with pytest.raises(DivergedError, match="lower learning rate"):
        run(random_loss, photo, optimizer="adam", learning_rate=1e30, iterations=3)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"optimizer": "sgd"}, r"lbfgs, adam.*'sgd'"),
        ({"init": "painting"}, r"photo, noise, blend.*'painting'"),
        ({"iterations": -1}, "-1"),
        ({"clamp": True}, "adam"),
        ({"init": torch.zeros(1, 3, 20, 25)}, r"20, 25\).*20, 24\)"),
        ({"init": torch.zeros(3, 20, 24)}, "shape"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": math.nan, "optimizer": "adam"}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"learning_rate": True}, "learning_rate"),
    ],
    ids=[
        "optimizer",
        "init",
        "iterations",
        "clamp",
        "size",
        "dims",
        "rate",
        "nan rate",
        "text",
        "switch",
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    random_loss: PerceptualLoss, photo: Tensor, settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        next(optimize(random_loss, photo, **settings))


# --- starts --------------------------------------------------------------------------------------


def test_the_photo_as_a_start_is_a_copy(photo: Tensor) -> None:
    start = initial_image("photo", photo)
    assert torch.equal(start, photo)
    assert start.data_ptr() != photo.data_ptr()


def test_noise_is_uniform_and_knows_nothing_of_the_photo(photo: Tensor) -> None:
    large = torch.zeros(1, 3, 100, 100)
    noise = initial_image("noise", large, seed=1)
    assert torch.equal(noise, initial_image("noise", large + 0.7, seed=1))
    assert 0 <= noise.min() < 0.01
    assert 0.99 < noise.max() <= 1
    counts = np.histogram(noise.numpy(), bins=10, range=(0, 1))[0]
    assert counts.min() > 2700  # of 3000 expected in every tenth, with a deviation of 52
    assert counts.max() < 3300


def test_a_blend_is_the_photo_plus_noise_of_a_quarter() -> None:
    gray = torch.full((1, 3, 100, 100), 0.5)
    noise = initial_image("blend", gray, seed=1) - gray
    assert noise.min() == pytest.approx(-0.25, abs=0.001)
    assert noise.max() == pytest.approx(0.25, abs=0.001)
    assert noise.mean() == pytest.approx(0.0, abs=0.005)
    assert noise.std() == pytest.approx(0.25 / math.sqrt(3), abs=0.003)  # of a uniform distribution
    white = initial_image("blend", torch.ones(1, 3, 100, 100), seed=1)
    assert white.max() == 1.0
    assert white.min() == pytest.approx(0.75, abs=0.001)


@pytest.mark.parametrize("init", ["noise", "blend"])
def test_another_seed_gives_other_noise(photo: Tensor, init: str) -> None:
    assert not torch.equal(initial_image(init, photo, 0), initial_image(init, photo, 1))


def test_a_start_leaves_the_global_random_state_alone(photo: Tensor) -> None:
    before = torch.get_rng_state()
    initial_image("noise", photo)
    assert torch.equal(torch.get_rng_state(), before)
