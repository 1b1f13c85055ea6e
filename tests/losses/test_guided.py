"""fst.losses.guided: against sums over pixels by hand, region by region."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from fst.errors import FstWarning
from fst.losses.guided import Guide, GuidedLoss
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize

LAYERS = {"content_layers": "relu2_1", "style_layers": "relu1_1=1,relu2_1=1"}


def picture(height: int = 24, width: int = 32, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


def halves(height: int, width: int, share: float = 0.5) -> Tensor:
    """``(2, H, W)``: the left part, and the right one."""
    masks = torch.zeros(2, height, width)
    masks[0, :, : round(share * width)] = 1
    masks[1] = 1 - masks[0]
    return masks


def make(*paintings: Tensor, shares: tuple[float, ...] = (1.0,), **options: Any) -> GuidedLoss:
    return GuidedLoss(paintings, shares, **{**LAYERS, "weights": "random", **options})


def features(loss: PerceptualLoss, image: Tensor, layer: str) -> NDArray[np.float64]:
    with torch.no_grad():
        return loss.vgg(image, [layer])[layer][0].double().numpy()


def gram(f: NDArray[np.float64], mask: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Over positions, each with the mask's weight; the weights add up to 1."""
    weights = np.ones(f.shape[1:]) if mask is None else mask
    total = np.zeros((len(f), len(f)))
    for y in range(f.shape[1]):
        for x in range(f.shape[2]):
            total += weights[y, x] * np.outer(f[:, y, x], f[:, y, x])
    return total / weights.sum()


def relative(g: NDArray[np.float64], a: NDArray[np.float64]) -> float:
    return float(((g - a) ** 2).sum() / (a**2).sum())


def style_of(loss: PerceptualLoss, image: Tensor) -> float:
    with torch.no_grad():
        return float(loss(image, loss.content_targets(image)).style) / loss.style_weight


def test_one_painting_and_no_regions_is_the_plain_loss() -> None:
    plain = PerceptualLoss(picture(seed=1), weights="random", **LAYERS)
    guided = make(picture(seed=1))
    for normalization in ("relative", "course"):
        plain = PerceptualLoss(
            picture(seed=1), weights="random", normalization=normalization, **LAYERS
        )
        guided = make(picture(seed=1), normalization=normalization)
        assert style_of(guided, picture()) == pytest.approx(style_of(plain, picture()), rel=1e-5)
        assert guided.describe() == plain.describe()


def test_several_paintings_are_one_mixture_of_gram_matrices() -> None:
    first, second = picture(seed=1), picture(20, 28, seed=2)
    loss = make(first, second, shares=(0.6, 0.4))
    expected = 0.0
    for layer in ("relu1_1", "relu2_1"):
        mixed = 0.6 * gram(features(loss, first, layer)) + 0.4 * gram(features(loss, second, layer))
        expected += 0.5 * relative(gram(features(loss, picture(), layer)), mixed)
    assert style_of(loss, picture()) == pytest.approx(expected, rel=1e-4)


def test_every_region_is_compared_with_its_own_part_by_its_area() -> None:
    painting, image = picture(20, 40, seed=1), picture()
    guide = Guide(("#000000", "#ffffff"), halves(24, 32, 0.25), [halves(20, 40)])
    loss = make(painting, guide=guide)
    expected = 0.0
    for layer, scale in (("relu1_1", 1), ("relu2_1", 2)):
        f, a = features(loss, image, layer), features(loss, painting, layer)
        for region, share in ((0, 0.25), (1, 0.75)):
            own = halves(24 // scale, 32 // scale, 0.25)[region].double().numpy()
            its = halves(20 // scale, 40 // scale)[region].double().numpy()
            expected += 0.5 * share * relative(gram(f, own), gram(a, its))
    assert style_of(loss, image) == pytest.approx(expected, rel=1e-4)


def test_the_course_costs_of_a_region_are_by_its_own_mean_activation() -> None:
    """``sum (G - A)^2 / (4 C^2)`` on features over their mean in the region, by hand."""
    painting, image = picture(24, 32, seed=1), picture()
    painting[..., :8] *= 0.2
    guide = Guide(("a", "b"), halves(24, 32, 0.25), [halves(24, 32, 0.25)])
    loss = make(painting, guide=guide, normalization="course", style_layers="relu1_1")
    f, a = features(loss, image, "relu1_1"), features(loss, painting, "relu1_1")
    expected = 0.0
    for mask, share in zip(halves(24, 32, 0.25).double().numpy(), (0.25, 0.75), strict=True):
        mean = np.abs(a)[:, mask > 0].mean()
        difference = (gram(f, mask) - gram(a, mask)) / mean**2
        expected += share * (difference**2).sum() / (4 * len(f) ** 2)
    assert style_of(loss, image) == pytest.approx(expected, rel=1e-4)


def test_a_mask_is_soft_where_a_layers_position_lies_on_its_edge() -> None:
    """Seven of 32 columns: at half the size the fourth column belongs to it by half."""
    painting, image = picture(24, 32, seed=1), picture()
    loss = make(painting, guide=Guide(("a", "b"), halves(24, 32, 7 / 32), [halves(24, 32)]),
                style_layers="relu2_1")  # fmt: skip
    mask = np.zeros((12, 16))
    mask[:, :3], mask[:, 3] = 1, 0.5
    f, a = features(loss, image, "relu2_1"), features(loss, painting, "relu2_1")
    its = halves(12, 16).double().numpy()
    expected = mask.mean() * relative(gram(f, mask), gram(a, its[0]))
    expected += (1 - mask.mean()) * relative(gram(f, 1 - mask), gram(a, its[1]))
    assert style_of(loss, image) == pytest.approx(expected, rel=1e-4)


def test_the_gradient_of_regions_is_that_of_finite_differences() -> None:
    guide = Guide(("a", "b"), halves(8, 8, 0.4), [halves(8, 8)])
    loss = make(picture(8, 8, seed=1), guide=guide, style_layers="relu1_1",
                content_layers="relu1_1", content_weight=0, dtype=torch.float64)  # fmt: skip
    image = picture(8, 8).double().requires_grad_()
    targets = loss.content_targets(image.detach())
    loss(image, targets).style.sum().backward()
    assert image.grad is not None
    for place in [(0, 0, 0, 0), (0, 1, 3, 3), (0, 2, 7, 5)]:
        moved = [image.detach().clone() for _ in range(2)]
        for sign, one in zip((1, -1), moved, strict=True):
            one[place] += sign * 1e-5
        with torch.no_grad():
            up, down = (float(loss(one, targets).style) for one in moved)
        assert float(image.grad[place]) == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-7)


def test_two_regions_become_two_paintings() -> None:
    """At every layer each half's Gram matrix ends nearer to its own painting's."""
    dark, light = 0.3 * picture(32, 32, seed=3), 0.6 + 0.4 * picture(32, 32, seed=4)
    guide = Guide(("a", "b"), halves(32, 32),
                  [torch.stack([torch.ones(32, 32), torch.zeros(32, 32)]),
                   torch.stack([torch.zeros(32, 32), torch.ones(32, 32)])])  # fmt: skip
    loss = make(dark, light, shares=(0.5, 0.5), guide=guide, content_weight=0.1)
    *_, last = optimize(loss, picture(32, 32), iterations=15)
    for layer in loss.style_layers:
        f = features(loss, last.image, layer)
        grams = [gram(features(loss, one, layer)) for one in (dark, light)]
        middle = f.shape[2] // 2
        for half, own in ((f[:, :, :middle], 0), (f[:, :, middle:], 1)):
            found = gram(half)
            assert relative(found, grams[own]) < relative(found, grams[1 - own]), layer


def test_a_region_that_vanishes_at_a_deep_layer_is_left_out_there_and_said_once() -> None:
    small = torch.zeros(2, 32, 32)
    small[0, :2, :1] = 1  # two pixels: half a position of block 2
    small[1] = 1 - small[0]
    loss = make(picture(32, 32, seed=1), guide=Guide(("#ff0000", "#0000ff"), small,
                                                     [halves(32, 32)]))  # fmt: skip
    with pytest.warns(FstWarning, match="region #ff0000 .* relu2_1: left out there") as said:
        loss.say_left_out(32, 32)
    assert len(said) == 1
    assert "relu1_1" not in str(said[0].message)
    assert np.isfinite(style_of(loss, picture(32, 32)))
    only = make(picture(32, 32, seed=1), guide=Guide(("a",), small[1:], [torch.ones(1, 32, 32)]),
                style_layers="relu2_1")  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        only.say_left_out(32, 32)


def test_a_region_that_no_painting_has_at_a_layer_does_not_count_there() -> None:
    nothing = torch.stack([torch.zeros(24, 32), torch.ones(24, 32)])
    loss = make(picture(seed=1), guide=Guide(("a", "b"), halves(24, 32), [nothing]))
    with pytest.warns(FstWarning, match="region a is too small to be seen at any layer"):
        loss.say_left_out(24, 32)
    images = [picture(), picture()]
    images[1][..., :12] = 0.5  # well inside of the left half
    f = [features(loss, image, "relu1_1")[:, :, 17:] for image in images]
    np.testing.assert_array_equal(*f)
    values = [style_of(make(picture(seed=1), guide=Guide(("a", "b"), halves(24, 32), [nothing]),
                            style_layers="relu1_1"), image) for image in images]  # fmt: skip
    assert values[0] == pytest.approx(values[1], rel=1e-5)


def test_the_same_loss_for_the_paintings_in_other_colors() -> None:
    loss = make(picture(seed=1))
    before = style_of(loss, picture())
    other = loss.of_paintings([picture(seed=5)])
    assert style_of(other, picture()) == pytest.approx(style_of(make(picture(seed=5)), picture()))
    assert style_of(loss, picture()) == before
    assert other.vgg is loss.vgg
