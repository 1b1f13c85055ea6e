"""fst.optimization.presets: the recipes that are known by a name."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fst.inference.pixel_options import PixelOptions
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import Iterate, optimize
from fst.optimization.presets import PRESETS
from fst.optimization.pyramid import optimize_coarse_to_fine


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def photo() -> Tensor:
    return draw(1, 3, 20, 24, seed=5)


def run(loss: nn.Module, photo: Tensor, **settings: Any) -> list[Iterate]:
    return list(optimize(loss, photo, **settings))  # type: ignore[arg-type]


def totals(iterates: list[Iterate]) -> list[float]:
    return [float(iterate.terms.total) for iterate in iterates]


def test_the_preset_gatys_is_every_default() -> None:
    assert PRESETS["gatys"].loss == {}
    assert PRESETS["gatys"].optimize == {}


def test_the_preset_course_is_the_course_notebooks_recipe() -> None:
    """alpha = 10, beta = 40, one content layer, five style layers of 0.2, Adam, 2500 iterations."""
    course = PRESETS["course"]
    assert course.loss["content_weight"] == 10
    assert course.loss["style_weight"] == 40
    assert list(course.loss["content_layers"]) == ["conv4_2"]
    layers = course.loss["style_layers"]
    assert list(layers) == ["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"]
    assert [weight / sum(layers.values()) for weight in layers.values()] == pytest.approx([0.2] * 5)
    settings = course.optimize
    assert (settings["optimizer"], settings["learning_rate"]) == ("adam", 0.01)
    assert settings["iterations"] == 2500
    assert settings["clamp"] is True
    assert settings["init"] == "blend"


def test_the_preset_johnson_has_the_papers_layers_in_vgg16_and_in_vgg19() -> None:
    """Johnson et al. 2016, section 4.1: content relu2_2; style relu1_2, 2_2, 3_3 and 4_3."""
    loss = PRESETS["johnson"].loss
    assert list(loss["content_layers"]) == ["relu2_2"]
    assert list(loss["style_layers"]) == ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]
    assert len(set(loss["style_layers"].values())) == 1
    for network in ("vgg16", "vgg19", "slim"):
        assert PixelOptions(preset="johnson", loss_network=network).loss()["network"] == network


def test_the_preset_pyramid_is_the_open_projects_recipe() -> None:
    preset = PRESETS["pyramid"]
    layers = preset.loss["style_layers"]
    assert list(layers) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    assert list(layers.values()) == [256, 64, 16, 4, 1]
    assert list(preset.loss["content_layers"]) == ["relu4_2"]
    assert preset.loss["padding"] == "first"
    assert (
        preset.loss["style_weight"] / preset.loss.get("content_weight", 1) > 50
    )  # there 1 to 0.015
    settings = PixelOptions(preset="pyramid").optimization()
    assert (settings["optimizer"], settings["learning_rate"]) == ("adam", 0.02)
    assert (settings["average"], settings["clamp"], settings["coarsest"]) == (0.99, True, 128)


def test_the_preset_pyramid_begins_small_and_lowers_its_objective() -> None:
    settings = PixelOptions(preset="pyramid", iterations=8).optimization()
    loss = PerceptualLoss(draw(1, 3, 32, 40, seed=1), weights="slim", **PRESETS["pyramid"].loss)
    settings["coarsest"] = 24
    iterates = list(optimize_coarse_to_fine(loss, draw(1, 3, 40, 48, seed=2), **settings))
    assert [iterate.image.shape[3] for iterate in iterates][:: len(iterates) - 1] == [24, 48]
    assert totals(iterates)[-1] < totals(iterates)[0]


@pytest.fixture(scope="module")
def course_loss() -> PerceptualLoss:
    return PerceptualLoss(draw(1, 3, 32, 40, seed=1), weights="random", **PRESETS["course"].loss)


def features(loss: PerceptualLoss, image: Tensor, layer: str) -> np.ndarray:
    """``(C, H, W)`` in float64."""
    with torch.no_grad():
        found: Tensor = loss.vgg(image, [layer])[layer]
    return found[0].double().numpy()


def test_the_preset_courses_costs_are_the_notebooks_sums(course_loss: PerceptualLoss) -> None:
    """J_content = sum (a_C - a_G)^2 / (4 HWC), J_style = sum (G - A)^2 / (4 C^2 (HW)^2)."""
    photo, image = draw(1, 3, 32, 32, seed=2), draw(1, 3, 32, 32, seed=3)
    painting = draw(1, 3, 32, 40, seed=1)
    terms = course_loss(image, course_loss.content_targets(photo))

    target = features(course_loss, photo, "conv4_2")
    mean = np.abs(target).mean()
    squares = (features(course_loss, image, "conv4_2") / mean - target / mean) ** 2
    content = squares.sum() / (4 * target.size)
    assert float(terms.content) == pytest.approx(10 * content, rel=1e-4)

    style = 0.0
    for block in range(1, 6):
        painted = features(course_loss, painting, f"conv{block}_1")
        mean = np.abs(painted).mean()
        grams = []
        for found in (features(course_loss, image, f"conv{block}_1"), painted):
            flat = (found / mean).reshape(len(found), -1)
            grams.append(flat @ flat.T / flat.shape[1])
        style += 0.2 * ((grams[0] - grams[1]) ** 2).sum() / (4 * len(painted) ** 2)
    assert float(terms.style) == pytest.approx(40 * style, rel=1e-4)


def test_the_preset_courses_objective_is_content_and_style_alone(
    course_loss: PerceptualLoss,
) -> None:
    """J = alpha J_content + beta J_style: the notebooks have no total variation."""
    photo, image = draw(1, 3, 32, 32, seed=2), draw(1, 3, 32, 32, seed=3)
    terms = course_loss(image, course_loss.content_targets(photo))
    assert float(terms.tv) == 0
    torch.testing.assert_close(terms.total, terms.content + terms.style)


def test_the_preset_course_lowers_its_objective(course_loss: PerceptualLoss) -> None:
    photo = draw(1, 3, 32, 32, seed=2)
    settings = {**PRESETS["course"].optimize, "iterations": 8}
    iterates = run(course_loss, photo, **settings)
    assert totals(iterates)[-1] < totals(iterates)[0]
    assert all(0 <= i.image.min() and i.image.max() <= 1 for i in iterates)


def test_presets_work_with_the_real_weights(
    assets_folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The course's costs don't depend on the scale of VGG-19's features, which is Caffe's here."""
    monkeypatch.setenv("FST_ASSETS", str(assets_folder))
    loss = PerceptualLoss(draw(1, 3, 32, 32, seed=1), weights="caffe", **PRESETS["course"].loss)
    photo = draw(1, 3, 32, 32, seed=2)
    assert np.abs(features(loss, photo, "conv4_2")).mean() > 20  # far from one
    iterates = run(loss, photo, **{**PRESETS["course"].optimize, "iterations": 4})
    assert totals(iterates)[-1] < totals(iterates)[0]
    assert 0 < float(iterates[0].terms.content) < 100
