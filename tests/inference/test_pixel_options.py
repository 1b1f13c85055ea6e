"""The optimization's options check themselves, and a preset gives way to what was chosen."""

from typing import Any

import numpy as np
import pytest

from fst.errors import InputError
from fst.inference.pixel_options import PixelOptions


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("preset", "van gogh"), ("preset", 3), ("iterations", 0), ("iterations", 2.5),
        ("iterations", "9"), ("iterations", True), ("optimizer", "newton"),
        ("optimizer", ["adam"]), ("init_noise", 1.1), ("init_noise", -0.1), ("init_noise", "much"),
        ("average", 1), ("average", 0), ("average", "0.9"), ("tolerance", 1), ("tolerance", -1),
        ("learning_rate", 0), ("learning_rate", float("nan")), ("learning_rate", "fast"),
        ("init", "photos"), ("init", 3), ("seed", "abc"), ("seed", 10**20), ("seed", 1.0),
        ("clamp", 1), ("style_size", 15), ("style_size", "512"), ("content_weight", -1),
        ("style_weight", "much"), ("tv_weight", float("inf")), ("pooling", "median"),
        ("weights", 19), ("normalization", 1), ("content_layers", "relu4_2=x"),
        ("content_layers", "relu6_1"),
        ("loss_network", "vgg11"), ("padding", "circular"), ("style_layers", "relu1_1=0"),
        ("style_layers", ["relu1_1"]), ("statistic", "grams"), ("statistic", ""),
        ("patch_size", 3), ("patch_stride", 0),
    ],
)  # fmt: skip
def test_a_wrong_pixel_option_is_one_line(name: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        PixelOptions(**{name: value})  # type: ignore[arg-type]
    assert name.replace("style_size", "stroke_size") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"init": "noise", "init_noise": 0.5}, {"preset": "course", "init_noise": 0.5},
        {"clamp": True}, {"clamp": True, "optimizer": "lbfgs"},
    ],
)  # fmt: skip
def test_pixel_options_that_dont_go_together_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="go"):
        PixelOptions(**options)
    PixelOptions(preset="course", init="photo", init_noise=0.5, clamp=True)
    PixelOptions(init_noise=0, init="noise")
    PixelOptions(clamp=True, optimizer="sgd")


def test_numpys_numbers_become_pythons() -> None:
    options = PixelOptions(iterations=np.int64(3), learning_rate=np.float32(0.5))  # type: ignore[arg-type]
    assert (options.iterations, options.learning_rate) == (3, 0.5)
    assert (type(options.iterations), type(options.learning_rate)) == (int, float)


def test_a_preset_gives_way_to_what_was_chosen() -> None:
    course = PixelOptions(preset="course", iterations=7, style_weight=2)
    assert course.optimization() == {
        "init": "blend", "optimizer": "adam", "learning_rate": 0.01, "iterations": 7, "clamp": True,
    }  # fmt: skip
    assert (course.loss()["style_weight"], course.loss()["content_weight"]) == (2, 10)
    other = PixelOptions(preset="course", optimizer="lbfgs").optimization()
    assert other == {"init": "blend", "optimizer": "lbfgs", "iterations": 2500}
