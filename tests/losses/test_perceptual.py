"""fst.losses.perceptual: against the formulas by hand, the golden values and finite differences."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor

from fst.choices import STATISTICS
from fst.errors import InputError
from fst.losses.perceptual import NORMALIZATIONS, LossTerms, PerceptualLoss
from fst.losses.style.table import statistic_of

CONTENT = {"relu1_2": 1.0, "conv2_1": 3.0}
STYLE = {"relu1_1": 2.0, "relu2_1": 1.0}
CONVOLUTIONS = {0: (64, 3), 2: (64, 64), 5: (128, 64)}  # torchvision's index: outputs, inputs


def picture(height: int = 24, width: int = 20, count: int = 1, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def make_loss(painting: Tensor | None = None, **options: Any) -> PerceptualLoss:
    defaults = {"content_layers": CONTENT, "style_layers": STYLE, "weights": "random"}
    painting = picture(28, 32, seed=9) if painting is None else painting
    return PerceptualLoss(painting, **{**defaults, **options})


def judge(loss: PerceptualLoss, images: Tensor, photos: Tensor) -> LossTerms:
    with torch.no_grad():
        return loss(images, loss.content_targets(photos))


def features(loss: PerceptualLoss, images: Tensor, layer: str) -> NDArray[np.float64]:
    return loss.vgg(images, [layer])[layer].double().numpy()


def gram(f: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.einsum("nchw,ndhw->ncd", f, f) / (f.shape[2] * f.shape[3])


@pytest.fixture(scope="module")
def loss() -> PerceptualLoss:
    return make_loss()


# --- values ----------------------------------------------------------------------------------


def test_every_term_equals_the_formula_by_hand() -> None:
    weights = {"content_weight": 0.7, "style_weight": 3.0, "tv_weight": 0.2}
    painting, images, photos = picture(28, 32, seed=9), picture(seed=1), picture(seed=2)
    loss = make_loss(painting, **weights)
    content = style = 0.0
    for layer, weight in (("relu1_2", 1 / 4), ("conv2_1", 3 / 4)):
        f, p = features(loss, images, layer), features(loss, photos, layer)
        content += weight * ((f - p) ** 2).sum() / (p**2).sum()
    for layer, weight in (("relu1_1", 2 / 3), ("relu2_1", 1 / 3)):
        g, a = gram(features(loss, images, layer)), gram(features(loss, painting, layer))
        style += weight * ((g - a) ** 2).sum() / (a**2).sum()
    pixels = images.double().numpy()
    tv = sum((np.diff(pixels, axis=axis) ** 2).mean() for axis in (2, 3))

    terms = judge(loss, images, photos)
    assert terms.content.item() == pytest.approx(0.7 * content, rel=1e-5)
    assert terms.style.item() == pytest.approx(3.0 * style, rel=1e-5)
    assert terms.tv.item() == pytest.approx(0.2 * tv, rel=1e-5)
    assert terms.total.item() == pytest.approx(0.7 * content + 3.0 * style + 0.2 * tv, rel=1e-5)


def test_the_course_normalization_equals_the_notebooks_formula() -> None:
    painting, images, photos = picture(28, 32, seed=9), picture(seed=1), picture(seed=2)
    loss = make_loss(painting, normalization="course", content_weight=10, style_weight=40)
    content = style = 0.0
    for layer, weight in (("relu1_2", 1 / 4), ("conv2_1", 3 / 4)):
        f, p = features(loss, images, layer), features(loss, photos, layer)
        scale = np.abs(p).mean()  # rescales the layer to a mean absolute activation of one
        _, c, h, w = p.shape
        content += weight * ((f / scale - p / scale) ** 2).sum() / (4 * h * w * c)
    for layer, weight in (("relu1_1", 2 / 3), ("relu2_1", 1 / 3)):
        f, s = features(loss, images, layer), features(loss, painting, layer)
        scale, c = np.abs(s).mean(), s.shape[1]
        difference = gram(f / scale) - gram(s / scale)
        style += weight * (difference**2).sum() / (4 * c**2)
    terms = judge(loss, images, photos)
    assert terms.content.item() == pytest.approx(10 * content, rel=1e-5)
    assert terms.style.item() == pytest.approx(40 * style, rel=1e-5)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_the_objective_equals_the_golden_values(normalization: str, assets_folder: Path) -> None:
    path = assets_folder / "reference" / "golden.json"
    if not path.is_file():
        pytest.skip("needs reference/golden.json in FST_ASSETS")
    golden = json.loads(path.read_text())

    def read(name: str, size: tuple[int, int]) -> Tensor:
        with Image.open(assets_folder / name) as image:
            small = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        return torch.from_numpy(np.asarray(small, np.float32) / 255).permute(2, 0, 1)[None]

    louvre = golden["fingerprints_louvre_160x120"]["relu4_2"]
    content = golden["content_term_chicago_vs_louvre"]["relu4_2"]
    style_layers = ["relu1_1", "relu2_1", "relu3_1", "relu4_1"]
    channels = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512}
    if normalization == "relative":
        content /= louvre["l2"] ** 2 / math.prod(louvre["shape"])
        style = np.mean(
            [
                golden["style_term_chicago_vs_monet"][layer]
                / (golden["gram_monet_128"][layer]["fro"] / channels[layer]) ** 2
                for layer in style_layers
            ]
        )
    else:
        content /= 4 * louvre["mean"] ** 2
        style = None  # the painting's mean activation is not among the golden values

    loss = PerceptualLoss(
        read("styles/monet.jpg", (128, 128)),
        content_weight=1,
        style_weight=1,
        tv_weight=1,
        style_layers=dict.fromkeys(style_layers, 1.0),
        normalization=normalization,
        weights=str(assets_folder / "weights" / "vgg19_caffe_fp16.safetensors"),
    )
    photo = read("photos/content/louvre.jpg", (160, 120))
    terms = judge(loss, read("photos/content/chicago.jpg", (160, 120)), photo)
    assert terms.content.item() == pytest.approx(content, rel=1e-4)
    if style is not None:
        assert terms.style.item() == pytest.approx(style, rel=1e-4)
    assert judge(loss, photo, photo).tv.item() == pytest.approx(golden["tv_louvre"], rel=1e-4)


def test_the_total_is_the_sum_of_the_terms(random_loss: PerceptualLoss) -> None:
    terms = judge(random_loss, picture(count=3, seed=1), picture(count=3, seed=2))
    assert terms.total.shape == (3,)
    assert all((term > 0).all() for term in terms)
    exact = sum(term.double() for term in terms)
    torch.testing.assert_close(terms.total.double(), exact, rtol=1e-6, atol=0)
    assert LossTerms(torch.tensor([1.0]), torch.tensor([20.0]), torch.tensor([300.0])).total == 321


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_the_painting_has_its_own_style_and_the_photo_its_own_content(normalization: str) -> None:
    painting, photo = picture(28, 32, seed=9), picture(28, 32, seed=2)
    loss = make_loss(painting, normalization=normalization)
    assert judge(loss, painting, photo).style.item() < 1e-10
    assert judge(loss, painting, photo).content.item() > 0.01
    assert judge(loss, painting, painting).content.item() < 1e-10
    assert judge(loss, photo, photo).content.item() < 1e-10
    assert judge(loss, photo, photo).style.item() > 0.001


def test_style_does_not_depend_on_where_things_are_and_content_does(loss: PerceptualLoss) -> None:
    tile = picture(4, 4, seed=3)
    one, two = tile.repeat(1, 1, 8, 8), tile.repeat(1, 1, 16, 16)
    tiled = make_loss(two, style_layers={"relu1_1": 1.0}, content_layers={"relu1_1": 1.0})
    near = judge(tiled, one, one.flip(3))
    assert near.style.item() < 0.05 * judge(tiled, picture(32, 32, seed=4), one).style.item()
    assert near.content.item() > 0.1


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_pictures_in_a_batch_are_judged_as_if_alone(normalization: str) -> None:
    loss = make_loss(normalization=normalization)
    images, photos = picture(count=3, seed=1), picture(count=3, seed=2)
    photos[1] *= 0.2  # a dark photo among bright ones
    together = judge(loss, images, photos)
    for i in range(3):
        alone = judge(loss, images[i : i + 1], photos[i : i + 1])
        for got, expected in zip(together, alone, strict=True):
            torch.testing.assert_close(got[i : i + 1], expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_scaling_the_layers_of_vgg_changes_no_loss(normalization: str, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(5)
    plain, scaled, factor = {}, {}, 1.0
    for (index, (outputs, inputs)), constant in zip(
        CONVOLUTIONS.items(), (250.0, 0.003, 40.0), strict=True
    ):
        weight = torch.randn(outputs, inputs, 3, 3, generator=generator) * (2 / 9 / inputs) ** 0.5
        bias = torch.randn(outputs, generator=generator) * 0.3
        factor *= constant  # what every activation behind this convolution is multiplied by
        plain[f"features.{index}.weight"], plain[f"features.{index}.bias"] = weight, bias
        scaled[f"features.{index}.weight"] = weight * constant
        scaled[f"features.{index}.bias"] = bias * factor
    images, photos = picture(count=2, seed=1), picture(count=2, seed=2)
    terms = []
    for name, state in (("plain", plain), ("scaled", scaled)):
        save_file(state, tmp_path / f"{name}.safetensors")
        loss = make_loss(weights=str(tmp_path / f"{name}.safetensors"), normalization=normalization)
        terms.append(judge(loss, images, photos))
        activation = loss.vgg(images, ["relu2_1"])["relu2_1"].mean().item()
        terms[-1] = (*terms[-1], activation)
    assert terms[1][3] / terms[0][3] == pytest.approx(250 * 0.003 * 40, rel=1e-3)
    for one, two in zip(terms[0][:3], terms[1][:3], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=0)


# --- weights and layers ----------------------------------------------------------------------


def test_each_weight_multiplies_its_own_term() -> None:
    images, photos = picture(seed=1), picture(seed=2)
    ones = {"content_weight": 1.0, "style_weight": 1.0, "tv_weight": 1.0}
    base = judge(make_loss(**ones), images, photos)
    for index, name in enumerate(ones):
        for factor in (0.0, 2.5):
            terms = judge(make_loss(**{**ones, name: factor}), images, photos)
            for i in range(3):
                expected = base[i] * (factor if i == index else 1)
                torch.testing.assert_close(terms[i], expected, rtol=1e-6, atol=0)


def test_layer_weights_count_relative_to_each_other() -> None:
    images, photos = picture(seed=1), picture(seed=2)
    base = judge(make_loss(), images, photos)
    larger = judge(
        make_loss(
            content_layers={layer: 1000 * weight for layer, weight in CONTENT.items()},
            style_layers={layer: 0.01 * weight for layer, weight in STYLE.items()},
        ),
        images,
        photos,
    )
    for one, two in zip(base, larger, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-6, atol=0)
    alone = [judge(make_loss(style_layers={layer: 1.0}), images, photos) for layer in STYLE]
    mean = (2 * alone[0].style + alone[1].style) / 3
    torch.testing.assert_close(base.style, mean, rtol=1e-5, atol=0)


@pytest.mark.parametrize("name", ["content_weight", "style_weight", "tv_weight"])
@pytest.mark.parametrize("value", [-1.0, -1e-9, math.nan, math.inf, "much", None, True])
def test_a_weight_that_is_no_number_of_at_least_zero_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name} must be a number of at least 0"):
        make_loss(**{name: value})


@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_layers_that_can_not_be_used_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="no layer 'relu9_9'"):
        make_loss(**{name: {"relu1_1": 1.0, "relu9_9": 1.0}})
    for weight in (-1.0, math.nan, math.inf):
        with pytest.raises(InputError, match=rf"{name}\.relu1_2"):
            make_loss(**{name: {"relu1_1": 1.0, "relu1_2": weight}})
    for nothing in ({}, {"relu1_1": 0.0, "relu2_1": 0}):
        with pytest.raises(InputError, match=f"{name} needs at least one layer"):
            make_loss(**{name: nothing})


def test_unknown_options_are_refused() -> None:
    with pytest.raises(InputError, match="normalization must be one of relative, course"):
        make_loss(normalization="gatys")
    with pytest.raises(InputError, match="pooling must be one of max, avg"):
        make_loss(pooling="min")
    with pytest.raises(InputError, match="padding must be one of zeros, replicate, reflect"):
        make_loss(padding="same")


def test_pooling_reaches_vgg() -> None:
    images, photos = picture(seed=1), picture(seed=2)
    one, two = (judge(make_loss(pooling=pooling), images, photos) for pooling in ("max", "avg"))
    assert make_loss(pooling="avg").vgg.pooling == "avg"
    assert not torch.allclose(one.content, two.content, rtol=1e-3)


def test_padding_reaches_vgg_for_the_painting_and_for_pictures() -> None:
    """A picture that repeats its painting is the painting, beyond its border, too."""
    images, photos = picture(seed=1), picture(seed=2)
    zeros, reflect = (make_loss(padding=padding) for padding in ("zeros", "reflect"))
    one, two = (judge(loss, images, photos) for loss in (zeros, reflect))
    assert not torch.allclose(one.content, two.content, rtol=1e-3)
    assert not torch.allclose(one.style, two.style, rtol=1e-3)
    assert reflect.describe()["loss_network"]["padding"] == "reflect"
    own = picture(count=1, seed=9)
    loss = PerceptualLoss(own, weights="random", padding="reflect")
    assert float(judge(loss, own, own).style) == pytest.approx(0, abs=1e-9)


# --- as a module -----------------------------------------------------------------------------


def test_the_loss_is_in_no_checkpoint_and_does_not_train(loss: PerceptualLoss) -> None:
    assert loss.state_dict() == {}
    assert list(loss.parameters()) == []
    images = picture(seed=1).requires_grad_()
    targets = loss.content_targets(picture(seed=2).requires_grad_())
    assert not any(target.requires_grad for target in targets.values())
    loss(images, targets).total.sum().backward()
    assert images.grad is not None
    assert not any(buffer.requires_grad for buffer in loss.buffers())


def test_content_targets_are_the_photos_features(loss: PerceptualLoss) -> None:
    photos = picture(count=2, seed=2)
    targets = loss.content_targets(photos)
    assert list(targets) == list(CONTENT)
    for layer, target in targets.items():
        np.testing.assert_allclose(target.double().numpy(), features(loss, photos, layer))


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_the_gradient_equals_finite_differences(normalization: str) -> None:
    loss = make_loss(
        picture(16, 16, seed=9).double(), normalization=normalization, dtype=torch.float64
    ).double()
    images = picture(16, 16, count=2, seed=1).double().requires_grad_()
    targets = loss.content_targets(picture(16, 16, count=2, seed=2).double())
    total = loss(images, targets).total
    assert total.dtype == torch.float64
    (gradient,) = torch.autograd.grad(total.sum(), images)
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        direction = torch.randn(images.shape, generator=generator, dtype=torch.float64)
        step = 1e-6 * direction
        with torch.no_grad():
            ahead, behind = (
                loss(images + sign * step, targets).total.sum().item() for sign in (1, -1)
            )
        expected = (ahead - behind) / 2e-6
        assert (gradient * direction).sum().item() == pytest.approx(expected, rel=1e-6)


def test_the_style_term_has_a_gradient_where_the_content_term_has_none(
    loss: PerceptualLoss,
) -> None:
    photo = picture(seed=2)
    images = photo.clone().requires_grad_()
    terms = loss(images, loss.content_targets(photo))
    (content,) = torch.autograd.grad(terms.content.sum(), images, retain_graph=True)
    (style,) = torch.autograd.grad(terms.style.sum(), images)
    assert content.abs().max() == 0
    assert style.abs().max() > 0


def test_a_bf16_network_gives_float32_losses_near_the_exact_ones() -> None:
    images, photos = picture(count=2, seed=1), picture(count=2, seed=2)
    exact = judge(make_loss(), images, photos)
    terms = judge(make_loss(dtype=torch.bfloat16), images, photos)
    for got, expected in zip(terms, exact, strict=True):
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, expected, rtol=0.03, atol=0)


def test_autocast_changes_no_loss(loss: PerceptualLoss) -> None:
    images, photos = picture(count=2, seed=1), picture(count=2, seed=2)
    expected = judge(loss, images, photos)
    with torch.autocast("cpu", torch.bfloat16):
        terms = judge(loss, images, photos)
    for got, exact in zip(terms, expected, strict=True):
        assert got.dtype == torch.float32
        torch.testing.assert_close(got, exact, rtol=1e-5, atol=0)


def test_the_description_is_plain_and_complete() -> None:
    loss = make_loss(content_weight=2, style_weight=3, tv_weight=0, normalization="course")
    description = json.loads(json.dumps(loss.describe()))
    assert description["content_weight"] == 2
    assert description["style_weight"] == 3
    assert description["tv_weight"] == 0
    assert description["normalization"] == "course"
    assert description["content_layers"] == {"relu1_2": 0.25, "conv2_1": 0.75}
    assert description["style_layers"] == pytest.approx({"relu1_1": 2 / 3, "relu2_1": 1 / 3})
    assert description["loss_network"]["architecture"] == "vgg19"
    assert description["loss_network"]["weights"] == "random"


# --- other statistics of style ---------------------------------------------------------------


@pytest.mark.parametrize("name", STATISTICS)
def test_style_is_the_weighted_mean_of_a_statistics_errors(name: str) -> None:
    painting, images, photos = (
        picture(28, 32, seed=9),
        picture(count=2, seed=1),
        picture(count=2, seed=2),
    )
    loss = make_loss(painting, statistic=name, style_weight=2.5)
    expected = torch.zeros(2)
    for layer, share in (("relu1_1", 2 / 3), ("relu2_1", 1 / 3)):
        statistic = statistic_of(name)
        target = statistic.measure(loss.vgg(painting, [layer])[layer])
        expected += share * statistic.error(loss.vgg(images, [layer])[layer], target, 4)
    targets = loss.content_targets(photos)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):  # which must change nothing
        terms = loss(images, targets, draw=4)
    torch.testing.assert_close(terms.style, 2.5 * statistic.scale * expected, rtol=1e-4, atol=0)
    assert loss.state_dict() == {}


@pytest.mark.parametrize("name", STATISTICS)
def test_a_loss_is_rebuilt_from_its_description(name: str) -> None:
    images, photos = picture(seed=1), picture(seed=2)
    loss = make_loss(statistic=name, style_layers={"relu2_1": 1.0})
    told = loss.describe()
    assert ("statistic" in told) == (name != "gram")
    assert ("patch_size" in told) == (name == "patches")
    settings = {key: value for key, value in told.items() if key != "loss_network"}
    again = make_loss(**settings)
    assert again.describe() == told
    for one, two in zip(judge(loss, images, photos), judge(again, images, photos), strict=True):
        assert torch.equal(one, two)


def test_only_sliced_distances_are_drawn() -> None:
    images, photos = picture(seed=1), picture(seed=2)
    for name in STATISTICS:
        loss = make_loss(statistic=name)
        targets = loss.content_targets(photos)
        with torch.no_grad():
            one, same, other = (loss(images, targets, draw=draw).style for draw in (3, 3, 4))
        assert torch.equal(one, same)
        assert torch.equal(one, other) == (name != "sliced")


def test_a_layer_of_no_weight_is_not_looked_at() -> None:
    loss = make_loss(statistic="patches", style_layers={"relu1_1": 0.0, "relu2_1": 2.0})
    assert loss.style_layers == {"relu2_1": 1.0}
    assert {name.rpartition("_relu")[2] for name in loss.of_painting()} == {"2_1"}
    gram = make_loss(style_layers={"relu1_1": 0.0, "relu2_1": 2.0})  # as it was described before
    assert gram.style_layers == {"relu1_1": 0.0, "relu2_1": 1.0}


def test_patches_have_layers_of_their_own() -> None:
    loss = make_loss(picture(32, 32, seed=9), statistic="patches", style_layers=None)
    assert loss.style_layers == {"relu3_1": 0.5, "relu4_1": 0.5}
    own = make_loss(picture(32, 32, seed=9), statistic="patches", patch_size=1, patch_stride=1)
    assert own.describe()["patch_size"] == own.describe()["patch_stride"] == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"statistic": "median"}, ["statistic", "gram, moments", "median"]),
        ({"statistic": "moments", "normalization": "course"}, ["course", "moments"]),
        ({"patch_size": 3}, ["patch_size", "patches", "gram"]),
        ({"statistic": "patches", "patch_stride": 9}, ["patch_stride", "3", "9"]),
    ],
)
def test_settings_of_a_statistic_that_do_not_fit_are_refused(
    options: dict[str, Any], says: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        make_loss(**options)
    assert all(word in str(caught.value) for word in says)


def test_other_paintings_are_compared_by_their_grams_only() -> None:
    images, photos = picture(seed=1), picture(seed=2)
    loss = make_loss(statistic="histogram")
    targets = loss.content_targets(photos)
    grams = {layer: torch.eye(loss.vgg(images, [layer])[layer].shape[1])[None] for layer in STYLE}
    with pytest.raises(InputError, match="statistic histogram knows one painting"):
        loss(images, targets, grams)
