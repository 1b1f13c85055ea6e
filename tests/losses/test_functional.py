"""Against hand loops in float64, finite differences and the golden values."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from fst.loss_networks.vgg import VGG19
from fst.losses.functional import (
    content_loss,
    gram_matrix,
    products_in_parts,
    style_loss,
    total_variation,
    upsampling_pattern,
)
from fst.losses.perceptual import PerceptualLoss


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_gram_matrix_equals_a_hand_loop() -> None:
    features = draw(2, 3, 4, 5)
    expected = np.zeros((2, 3, 3))
    for n in range(2):
        for i in range(3):
            for j in range(3):
                for y in range(4):
                    for x in range(5):
                        product = float(features[n, i, y, x]) * float(features[n, j, y, x])
                        expected[n, i, j] += product / (4 * 5)
    gram = gram_matrix(features)
    assert gram.dtype == torch.float64
    np.testing.assert_allclose(gram.numpy(), expected, rtol=1e-12, atol=1e-14)


def test_gram_matrix_takes_channels_last_and_slices() -> None:
    features = draw(2, 6, 8, 10)
    sliced = features.to(memory_format=torch.channels_last)[:, ::2, 1::2, :7]
    expected = np.einsum("nchw,ndhw->ncd", sliced.numpy(), sliced.numpy()) / (4 * 7)
    np.testing.assert_allclose(gram_matrix(sliced).numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("positions", [2048, 3 * 4096, 16384, 5001])
def test_products_in_parts_are_those_of_the_whole(positions: int) -> None:
    flat = draw(2, 3, positions)
    expected = np.einsum("ncp,ndp->ncd", flat.numpy(), flat.numpy())
    np.testing.assert_allclose(products_in_parts(flat).numpy(), expected, rtol=1e-11)


def test_gram_matrix_does_not_grow_with_the_picture() -> None:
    features = draw(1, 3, 4, 5)
    torch.testing.assert_close(gram_matrix(features.repeat(1, 1, 3, 2)), gram_matrix(features))


def test_content_loss_equals_a_hand_loop() -> None:
    features, target = draw(2, 3, 4, 5), draw(2, 3, 4, 5, seed=1)
    expected = []
    for f, p in zip(features.tolist(), target.tolist(), strict=True):
        f_flat, p_flat = np.ravel(f), np.ravel(p)
        error = sum((a - b) ** 2 for a, b in zip(f_flat, p_flat, strict=True))
        expected.append(error / sum(b**2 for b in p_flat))
    np.testing.assert_allclose(content_loss(features, target).numpy(), expected, rtol=1e-12)


def test_style_loss_equals_a_hand_loop_and_shares_one_target() -> None:
    gram, target = gram_matrix(draw(3, 4, 5, 5)), gram_matrix(draw(1, 4, 6, 6, seed=1))
    expected = []
    for g in gram.tolist():
        error = energy = 0.0
        for i in range(4):
            for j in range(4):
                error += (g[i][j] - float(target[0, i, j])) ** 2
                energy += float(target[0, i, j]) ** 2
        expected.append(error / energy)
    np.testing.assert_allclose(style_loss(gram, target).numpy(), expected, rtol=1e-12)


def test_style_loss_takes_a_target_for_each_picture() -> None:
    gram, target = gram_matrix(draw(2, 4, 5, 5)), gram_matrix(draw(2, 4, 6, 6, seed=1))
    pairs = [style_loss(gram[i : i + 1], target[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(style_loss(gram, target), torch.cat(pairs))


def test_total_variation_equals_a_hand_loop() -> None:
    images = draw(2, 3, 5, 4)
    expected = []
    for image in images.tolist():
        across = [
            (image[c][y][x + 1] - image[c][y][x]) ** 2
            for c in range(3)
            for y in range(5)
            for x in range(3)
        ]
        down = [
            (image[c][y + 1][x] - image[c][y][x]) ** 2
            for c in range(3)
            for y in range(4)
            for x in range(4)
        ]
        expected.append(sum(across) / len(across) + sum(down) / len(down))
    np.testing.assert_allclose(total_variation(images).numpy(), expected, rtol=1e-12)


def test_total_variation_of_a_flat_picture_is_zero_and_of_a_ramp_its_slope_squared() -> None:
    assert total_variation(torch.full((1, 3, 6, 6), 0.3)).item() == 0
    ramp = (torch.arange(6.0) / 8).expand(1, 3, 5, 6)  # 1/8 a step, across only
    assert total_variation(ramp).item() == 1 / 64


def test_every_loss_gives_one_value_per_picture() -> None:
    features, target = draw(3, 4, 5, 5), draw(3, 4, 5, 5, seed=1)
    assert content_loss(features, target).shape == (3,)
    assert style_loss(gram_matrix(features), gram_matrix(target)).shape == (3,)
    assert total_variation(features[:, :3]).shape == (3,)


def test_a_loss_is_zero_at_its_target_and_one_for_nothing() -> None:
    target = draw(2, 4, 5, 5)
    assert content_loss(target, target).tolist() == [0, 0]
    assert style_loss(gram_matrix(target), gram_matrix(target)).tolist() == [0, 0]
    assert content_loss(torch.zeros_like(target), target).tolist() == [1, 1]
    assert style_loss(torch.zeros(2, 4, 4), gram_matrix(target).float()).tolist() == [1, 1]


def test_a_target_without_energy_gives_a_finite_loss() -> None:
    nothing = torch.zeros(1, 4, 5, 5)
    assert content_loss(nothing, nothing).item() == 0
    assert style_loss(gram_matrix(nothing), gram_matrix(nothing)).item() == 0


def _content(x: Tensor) -> Tensor:
    return content_loss(x, draw(2, 3, 4, 4, seed=1))


def _style(x: Tensor) -> Tensor:
    return style_loss(gram_matrix(x), gram_matrix(draw(1, 3, 5, 5, seed=1)))


@pytest.mark.parametrize("loss", [_content, _style, total_variation])
def test_gradients_equal_finite_differences(loss: Callable[[Tensor], Tensor]) -> None:
    assert torch.autograd.gradcheck(loss, (draw(2, 3, 4, 4).requires_grad_(),))


@pytest.mark.parametrize("constant", [1e-4, 0.37, 255.0, 1e5])
def test_scaling_the_features_changes_no_loss(constant: float) -> None:
    f, p = draw(2, 3, 4, 5), draw(2, 3, 4, 5, seed=1)
    torch.testing.assert_close(
        content_loss(constant * f, constant * p), content_loss(f, p), rtol=1e-10, atol=0
    )
    torch.testing.assert_close(
        style_loss(gram_matrix(constant * f), gram_matrix(constant * p)),
        style_loss(gram_matrix(f), gram_matrix(p)),
        rtol=1e-10,
        atol=0,
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_features_of_ten_thousand_do_not_overflow(dtype: torch.dtype) -> None:
    f = (1e4 + 1e3 * draw(2, 8, 6, 6)).to(dtype)
    p = (1e4 + 1e3 * draw(2, 8, 6, 6, seed=1)).to(dtype)
    exact_f, exact_p = f.double().numpy(), p.double().numpy()
    grams = [np.einsum("nchw,ndhw->ncd", x, x) / 36 for x in (exact_f, exact_p)]

    content = content_loss(f, p)
    assert content.dtype == torch.float32
    expected = ((exact_f - exact_p) ** 2).sum((1, 2, 3)) / (exact_p**2).sum((1, 2, 3))
    np.testing.assert_allclose(content.numpy(), expected, rtol=1e-5)

    gram = gram_matrix(f)
    assert gram.dtype == torch.float32
    np.testing.assert_allclose(gram.numpy(), grams[0], rtol=1e-5)

    style = style_loss(gram, gram_matrix(p))
    assert style.dtype == torch.float32
    expected = ((grams[0] - grams[1]) ** 2).sum((1, 2)) / (grams[1] ** 2).sum((1, 2))
    np.testing.assert_allclose(style.numpy(), expected, rtol=1e-2)  # a small difference of 1e8's

    tv = total_variation(f[:, :3])
    assert tv.dtype == torch.float32
    squares = [np.diff(exact_f[:, :3], axis=axis) ** 2 for axis in (2, 3)]
    np.testing.assert_allclose(tv.numpy(), sum(s.mean((1, 2, 3)) for s in squares), rtol=1e-5)


def test_gram_matrix_stays_exact_under_autocast() -> None:
    features = draw(1, 8, 16, 16, dtype=torch.float32)
    exact = np.einsum("nchw,ndhw->ncd", features.double(), features.double()) / 256
    with torch.autocast("cpu", torch.bfloat16):
        gram = gram_matrix(features)
    assert gram.dtype == torch.float32
    np.testing.assert_allclose(gram.numpy(), exact, rtol=1e-5, atol=1e-6)  # bf16 misses by 1e-3


def _exact_gram(features: Tensor) -> Tensor:
    """The Gram matrix of the same numbers in float64, with its gradient."""
    flat = features.detach().double().flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def _bfloat16_features(*shape: int, kind: str) -> Tensor:
    features = draw(*shape).relu().add(0.1).bfloat16()
    if kind == "channels last":
        return features.to(memory_format=torch.channels_last)
    return features[:, ::2, 1:, ::3] if kind == "sliced" else features


@pytest.mark.parametrize("kind", ["contiguous", "channels last", "sliced"])
@pytest.mark.parametrize("shape", [(2, 64, 33, 17), (1, 3, 5, 7), (3, 8, 2, 1), (1, 256, 16, 15)])
def test_gram_matrix_of_bfloat16_has_the_digits_of_float32(
    shape: tuple[int, ...], kind: str
) -> None:
    features = _bfloat16_features(*shape, kind=kind).requires_grad_()
    gram = gram_matrix(features)
    assert gram.dtype == torch.float32
    torch.testing.assert_close(gram.double(), _exact_gram(features), rtol=1e-5, atol=0)

    # a gradient for every entry, not the same on both sides of the diagonal
    weights = draw(*gram.shape, seed=1)
    (grad,) = torch.autograd.grad(gram, features, weights.float())
    exact = features.detach().double().requires_grad_()
    (expected,) = torch.autograd.grad(gram_matrix(exact), exact, weights)
    assert (grad.dtype, grad.shape) == (torch.bfloat16, features.shape)
    error = (grad.double() - expected).norm() / expected.norm()
    assert error < 1e-2  # what bf16 can hold


def test_gram_matrix_of_bfloat16_is_right_where_products_cancel() -> None:
    features = draw(2, 32, 24, 20).bfloat16()
    exact = _exact_gram(features)
    scale = exact.diagonal(dim1=1, dim2=2).mean().item()
    torch.testing.assert_close(gram_matrix(features).double(), exact, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_gram_matrix_of_other_kinds_is_one_plain_product(dtype: torch.dtype) -> None:
    features = draw(2, 6, 9, 7).to(dtype)
    flat = (features if dtype == torch.float64 else features.float()).flatten(2)
    assert torch.equal(gram_matrix(features), flat @ flat.transpose(1, 2) / 63)


def test_the_objective_in_bfloat16_is_close_to_that_in_float32() -> None:
    painting, photo, picture = (
        draw(1, 3, 48, 40, seed=seed).sigmoid().float() for seed in range(3)
    )
    layers: dict[str, Any] = {
        "content_layers": {"relu3_1": 1.0},
        "style_layers": {"relu1_1": 1, "relu3_1": 1},
    }
    values = []
    for dtype in (torch.float32, torch.bfloat16):
        loss = PerceptualLoss(painting, weights="random", dtype=dtype, **layers)
        terms = loss(picture, loss.content_targets(photo))
        assert {term.dtype for term in terms} == {torch.float32}
        values.append([term.item() for term in terms])
    assert values[1] == pytest.approx(values[0], rel=2e-2)
    assert values[1][:2] != values[0][:2]


@pytest.fixture(scope="module")
def golden(assets_folder: Path) -> dict[str, Any]:
    path = assets_folder / "reference" / "golden.json"
    if not path.is_file():
        pytest.skip("needs reference/golden.json in FST_ASSETS")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _read(path: Path, size: tuple[int, int]) -> Tensor:
    with Image.open(path) as image:
        small = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(small, np.float32) / 255).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def features(assets_folder: Path, golden: dict[str, Any]) -> dict[str, dict[str, Tensor]]:
    """Features of the three pictures at every layer that the golden values speak of."""
    layers = {
        *golden["gram_monet_128"],
        *golden["content_term_chicago_vs_louvre"],
        *golden["style_term_chicago_vs_monet"],
    }
    vgg = VGG19(layers, str(assets_folder / "weights" / "vgg19_caffe_fp16.safetensors"))
    pictures = {
        "louvre": _read(assets_folder / "photos" / "content" / "louvre.jpg", (160, 120)),
        "chicago": _read(assets_folder / "photos" / "content" / "chicago.jpg", (160, 120)),
        "monet": _read(assets_folder / "styles" / "monet.jpg", (128, 128)),
    }
    with torch.no_grad():
        return {name: vgg(picture, layers) for name, picture in pictures.items()}


def test_gram_matrices_equal_the_golden_ones(
    golden: dict[str, Any], features: dict[str, dict[str, Tensor]]
) -> None:
    for layer, expected in golden["gram_monet_128"].items():
        gram = gram_matrix(features["monet"][layer])[0].double()
        assert gram.trace().item() == pytest.approx(expected["trace"], rel=1e-4), layer
        assert gram.norm().item() == pytest.approx(expected["fro"], rel=1e-4), layer


def test_content_losses_equal_the_golden_ones(
    golden: dict[str, Any], features: dict[str, dict[str, Tensor]]
) -> None:
    for layer, expected in golden["content_term_chicago_vs_louvre"].items():
        target = features["louvre"][layer]
        relative = content_loss(features["chicago"][layer], target)
        plain = relative.double() * target.double().square().mean()
        assert plain.item() == pytest.approx(expected, rel=1e-4), layer


def test_style_losses_equal_the_golden_ones(
    golden: dict[str, Any], features: dict[str, dict[str, Tensor]]
) -> None:
    for layer, expected in golden["style_term_chicago_vs_monet"].items():
        target = gram_matrix(features["monet"][layer])
        relative = style_loss(gram_matrix(features["chicago"][layer]), target)
        plain = relative.double() * target.double().square().mean()
        assert plain.item() == pytest.approx(expected, rel=1e-4), layer


def test_total_variation_equals_the_golden_one(assets_folder: Path, golden: dict[str, Any]) -> None:
    louvre = _read(assets_folder / "photos" / "content" / "louvre.jpg", (160, 120))
    assert total_variation(louvre).item() == pytest.approx(golden["tv_louvre"], rel=1e-4)


def grid(amplitude: float, period: int, side: int = 72) -> Tensor:
    """A wave along the columns, in all channels: ``(1, 3, side, side)``."""
    wave = amplitude * torch.cos(2 * torch.pi * torch.arange(side) / period)
    return wave.expand(1, 3, side, side)


@pytest.mark.parametrize("period", [2, 4])
def test_a_pattern_on_the_grid_has_its_own_energy(period: int) -> None:
    picture = 0.5 + grid(0.1, period)
    energy = grid(0.1, period).square().mean().item()
    inside = upsampling_pattern(picture).item()
    assert inside == pytest.approx(energy, rel=1e-4)


@pytest.mark.parametrize("period", [3, 5, 8, 6.4, 32])
def test_other_waves_are_no_pattern(period: float) -> None:
    wave = 0.1 * torch.cos(2 * torch.pi * torch.arange(72) / period)
    energy = wave.square().mean().item()
    assert upsampling_pattern(0.5 + wave.expand(1, 3, 72, 72)).item() < 0.03 * energy


def test_a_pattern_that_turns_over_is_found_in_its_windows() -> None:
    picture = 0.5 + grid(0.1, 4, 136)
    picture[..., 68:, :] = 0.5 - grid(0.1, 4, 136)[..., 68:, :]
    whole = upsampling_pattern(0.5 + grid(0.1, 4, 136)).item()
    assert upsampling_pattern(picture).item() == pytest.approx(whole, rel=0.05)


def test_slopes_and_areas_are_no_pattern() -> None:
    slope = torch.linspace(0, 1, 72).expand(1, 3, 72, 72)
    assert upsampling_pattern(slope).item() < 1e-9 + (1 / 71) ** 2
    assert upsampling_pattern(torch.full((2, 3, 64, 64), 0.7)).tolist() == pytest.approx([0, 0])


def test_pictures_without_a_window_have_no_pattern_and_a_gradient() -> None:
    picture = torch.rand(2, 3, 16, 40, requires_grad=True)
    pattern = upsampling_pattern(picture)
    assert pattern.tolist() == [0, 0]
    pattern.sum().backward()
    assert picture.grad is not None
    assert picture.grad.eq(0).all()


def test_what_lies_beyond_the_last_window_does_not_count() -> None:
    picture = torch.rand(1, 3, 78, 72)
    other = picture.clone()
    other[..., 72:, :] = 0  # the high pass reaches 2 pixels
    torch.testing.assert_close(upsampling_pattern(other), upsampling_pattern(picture))


def test_the_patterns_gradient_agrees_with_finite_differences() -> None:
    picture = torch.rand(1, 3, 40, 40, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(lambda x: 100 * upsampling_pattern(x), picture, nondet_tol=0)
