"""fst.optimization.pixels: against known optima, recounted evaluations and recomputed losses."""

import io
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
from fst.optimization.descent import PATIENCE
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


def test_gradient_descent_is_plain(photo: Tensor) -> None:
    """Each step is rate x values x gradient, and nothing of the steps before."""
    target, stiffness = draw(*photo.shape, seed=1), 0.2 + draw(*photo.shape, seed=2)
    iterates = run(
        Quadratic(target, stiffness), photo, optimizer="sgd", iterations=3, learning_rate=1e-5
    )
    expected = photo.double()
    for iterate in iterates:
        torch.testing.assert_close(iterate.image.double(), expected, rtol=0, atol=1e-6)
        gradient = 2 * stiffness.double() * (expected - target.double())
        expected = expected - 1e-5 * photo.numel() * gradient


def test_gradient_descent_may_be_clamped(photo: Tensor) -> None:
    outside = 4 * draw(*photo.shape, seed=1) - 1.5
    settings = {"optimizer": "sgd", "learning_rate": 0.1 / photo.numel(), "iterations": 60}
    iterates = run(Quadratic(outside), photo, clamp=True, **settings)
    torch.testing.assert_close(iterates[-1].image, outside.clamp(0, 1), rtol=0, atol=1e-3)


def test_gradient_descent_at_its_usual_rate_lowers_the_objective(
    random_loss: PerceptualLoss, photo: Tensor
) -> None:
    objectives = totals(run(random_loss, photo, optimizer="sgd", iterations=10))
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[-1] < objectives[0]


def test_gradient_descent_holds_for_a_smooth_painting_whose_objective_is_steep(
    photo: Tensor,
) -> None:
    ramp = torch.linspace(0.2, 0.8, 48).expand(1, 3, 48, 48).contiguous()
    loss = PerceptualLoss(ramp, weights="slim")
    objectives = totals(run(loss, photo, optimizer="sgd", iterations=8))
    assert objectives[0] > 100
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[-1] < 0.8 * objectives[0]


# --- averages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs"])
def test_an_average_is_that_of_the_plain_iterates(photo: Tensor, optimizer: str) -> None:
    """By its definition: the mean of all iterates so far, each weighing decay to its age."""
    target = draw(*photo.shape, seed=1)
    settings: dict[str, Any] = {"optimizer": optimizer, "iterations": 12}
    plain = run(Quadratic(target), photo, **settings)
    averaged = run(Quadratic(target), photo, average=0.8, **settings)
    for i, iterate in enumerate(averaged):
        weights = [0.8 ** (i - age) for age in range(i + 1)]
        mean = sum(w * plain[k].image.double() for k, w in enumerate(weights)) / sum(weights)
        assert isinstance(mean, Tensor)
        torch.testing.assert_close(iterate.image.double(), mean, rtol=0, atol=1e-5)
    # while it runs the losses are those of the pixels; at the end those of what is given back
    assert totals(averaged)[:-1] == totals(plain)[:-1]
    of_mean = (averaged[-1].image - target).square().sum()
    assert totals(averaged)[-1] == pytest.approx(float(of_mean), rel=1e-5)


# --- the end ------------------------------------------------------------------------------------


class Staircase(nn.Module):
    """An objective of given values, whatever the pixels."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values = iter(values)

    def content_targets(self, photo: Tensor) -> dict[str, Tensor]:
        return {}

    def forward(self, images: Tensor, targets: Mapping[str, Tensor]) -> LossTerms:
        value = next(self.values) + 0 * images.flatten(1).sum(1)
        return LossTerms(value, torch.zeros_like(value), torch.zeros_like(value))


def test_it_stops_where_the_objective_falls_by_less_than_the_tolerance(photo: Tensor) -> None:
    halved = [2.0**-i for i in range(15)]
    # from here on 1% in 20 iterations, which is under 2%, with noise on the way down
    flat = [halved[-1] * (1 - 0.0005 * i + 0.3 * (i % 3)) for i in range(1, 200)]
    settings: dict[str, Any] = {"optimizer": "sgd", "iterations": 200, "learning_rate": 1e-9}
    iterates = run(Staircase(halved + flat), photo, tolerance=0.02, **settings)
    # the 20 iterations after the 15th have lowered it by under 2%
    assert len(iterates) == 15 + PATIENCE
    assert [i.last for i in iterates] == [False] * (14 + PATIENCE) + [True]
    iterates = run(Staircase(halved + flat), photo, tolerance=0.005, **settings)
    assert len(iterates) == 201  # 1% is more than that


def test_without_a_tolerance_nothing_ends_early(photo: Tensor) -> None:
    iterates = run(Staircase([1.0] * 101), photo, optimizer="sgd", iterations=100)
    assert len(iterates) == 101
    assert [i.iteration for i in iterates if i.last] == [100]


def test_who_stops_early_with_an_average_is_told_of_the_average(photo: Tensor) -> None:
    target = draw(*photo.shape, seed=1)
    settings: dict[str, Any] = {"optimizer": "adam", "average": 0.9, "tolerance": 0.5}
    iterates = run(Quadratic(target), photo, iterations=500, **settings)
    assert len(iterates) < 400
    of_mean = (iterates[-1].image - target).square().sum()
    assert totals(iterates)[-1] == pytest.approx(float(of_mean), rel=1e-5)


# --- layers --------------------------------------------------------------------------------------


def test_the_parts_of_the_layers_add_up(random_loss: PerceptualLoss, photo: Tensor) -> None:
    for iterate in run(random_loss, photo, init="noise", iterations=2, by_layer=True):
        assert set(iterate.layers) == {"content/relu2_2", "style/relu1_1", "style/relu2_1"}
        style = sum(iterate.layers[f"style/{layer}"] for layer in ("relu1_1", "relu2_1"))
        torch.testing.assert_close(style, iterate.terms.style)
        torch.testing.assert_close(iterate.layers["content/relu2_2"], iterate.terms.content)
        assert not any(part.requires_grad for part in iterate.layers.values())


# --- going on ------------------------------------------------------------------------------------


def kept(state: Any) -> Any:
    """As it comes back from a disk, read without code."""
    file = io.BytesIO()
    torch.save(state, file)
    return torch.load(io.BytesIO(file.getvalue()), weights_only=True)


@pytest.mark.parametrize("settings", [
    {"optimizer": "lbfgs"}, {"optimizer": "adam"}, {"optimizer": "sgd"},
    {"optimizer": "adam", "average": 0.9, "clamp": True},
    {"optimizer": "lbfgs", "tolerance": 0.9},
], ids=["lbfgs", "adam", "sgd", "average", "tolerance"])  # fmt: skip
@pytest.mark.parametrize("at", [0, 19])
def test_who_goes_on_ends_at_the_same_picture(
    random_loss: PerceptualLoss, photo: Tensor, settings: dict[str, Any], at: int
) -> None:
    whole = run(random_loss, photo, init="noise", iterations=30, **settings)
    states = []
    for iterate in optimize(random_loss, photo, init="noise", iterations=30, **settings):
        if iterate.iteration == at and iterate.state is not None:
            states.append(kept(iterate.state()))
        if iterate.iteration == at + 3:  # what comes later does not change it
            break
    rest = run(random_loss, photo, init="photo", iterations=30, state=states[0], **settings)
    assert [i.iteration for i in rest] == [i.iteration for i in whole[at + 1 :]]
    for one, other in zip(rest, whole[at + 1 :], strict=True):
        assert torch.equal(one.image, other.image)
        assert all(map(torch.equal, one.terms, other.terms))


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
        ({"optimizer": "newton"}, r"lbfgs, adam, sgd.*'newton'"),
        ({"init": "painting"}, r"photo, noise, blend.*'painting'"),
        ({"iterations": -1}, "-1"),
        ({"clamp": True}, "adam"),
        ({"init": torch.zeros(1, 3, 20, 25)}, r"20, 25\).*20, 24\)"),
        ({"init": torch.zeros(3, 20, 24)}, "shape"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": math.nan, "optimizer": "adam"}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"learning_rate": True}, "learning_rate"),
        ({"init_noise": 1.5}, "init_noise"),
        ({"init_noise": 0.5, "init": "noise"}, "without noise"),
        ({"init_noise": 0.5, "init": "blend"}, "without noise"),
        ({"average": 1.0}, "average"),
        ({"average": 0}, "average"),
        ({"tolerance": 1}, "tolerance"),
        ({"tolerance": -1e-9}, "tolerance"),
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
        "much noise",
        "noise twice",
        "noise in a blend",
        "average 1",
        "average 0",
        "tolerance 1",
        "tolerance below 0",
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    random_loss: PerceptualLoss, photo: Tensor, settings: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        next(optimize(random_loss, photo, **settings))


def test_gradient_descent_that_diverges_is_told(photo: Tensor) -> None:
    loss = Quadratic(draw(*photo.shape))
    with pytest.raises(DivergedError, match="lower learning rate"):
        run(loss, photo, optimizer="sgd", learning_rate=10.0, iterations=50)


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


def test_noise_is_mixed_into_a_start_by_its_share(photo: Tensor) -> None:
    noise = initial_image("noise", photo, seed=3)
    for init, plain in (("photo", photo), (1 - photo, 1 - photo)):
        mixed = initial_image(init, photo, seed=3, init_noise=0.6)
        torch.testing.assert_close(mixed, 0.6 * noise + 0.4 * plain)
        assert torch.equal(initial_image(init, photo, seed=3, init_noise=0), plain)


@pytest.mark.parametrize("init", ["noise", "blend"])
def test_another_seed_gives_other_noise(photo: Tensor, init: str) -> None:
    assert not torch.equal(initial_image(init, photo, 0), initial_image(init, photo, 1))


def test_a_start_leaves_the_global_random_state_alone(photo: Tensor) -> None:
    before = torch.get_rng_state()
    initial_image("noise", photo)
    assert torch.equal(torch.get_rng_state(), before)
