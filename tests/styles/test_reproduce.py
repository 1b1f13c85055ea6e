"""The recipe of a checkpoint is the configuration that trained it."""

import copy
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from fst.errors import InputError
from fst.interfaces.arguments.train import known_keys
from fst.styles.reproduce import training_arguments
from fst.training.words import hydras

CONFIGS = Path(__file__).resolve().parents[2] / "configs"

ABOUT: dict[str, Any] = {
    "net": {"name": "johnson", "arguments": {"width": 16, "residual_blocks": 3,
                                             "upsampling": "bilinear"}},
    "style": {"name": "the_scream", "image": "the_scream.jpg", "size": 400, "margin": 32},
    "loss": {"content_weight": 1.0, "style_weight": 5.42, "tv_weight": 0.25,
             "loss_network": {"weights": "caffe"}},
    "data": {"source": "folder", "name": "train", "size": 192, "batch_size": 3,
             "sizes": [128, 192], "min_scale": 0.25, "max_photos": 900, "held_out": 8},
    "training": {"steps": 700, "optimizer": "muon", "learning_rate": 2e-3, "schedule": "constant",
                 "slim_steps_share": 0.6, "warmup_steps": 7, "ema": 0.99, "precision": "fp32",
                 "seed": 5, "init": "great_wave",
                 "pattern_weight": 100.0},
}  # fmt: skip


def composed(arguments: list[str]) -> dict[str, Any]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        words = hydras(arguments, known_keys())  # as ``fst train`` reads them
        plain: Any = OmegaConf.to_container(compose("train", words), resolve=True)
    return dict(plain)


def test_the_recipe_sets_all_that_the_checkpoint_tells() -> None:
    config = composed(training_arguments(ABOUT))
    assert config["net"]["arguments"] == ABOUT["net"]["arguments"]
    assert config["style"] | ABOUT["style"] == config["style"]
    assert config["style"]["title"] == "The Scream"
    loss = config["loss"]
    assert (loss["content_weight"], loss["style_weight"], loss["tv_weight"]) == (1.0, 5.42, 0.25)
    assert (loss["slim_share"], loss["weights"]) == (0.6, "auto")
    data = config["data"]
    assert (data["source"], data["path"], data["size"]) == ("folder", "train", 192)
    assert (data["batch_size"], data["sizes"]) == (3, [128, 192])
    assert (data["min_scale"], data["max_photos"], data["val_photos"]) == (0.25, 900, 8)
    assert config["trainer"]["max_steps"] == 700
    for key in (
        "optimizer",
        "learning_rate",
        "schedule",
        "warmup_steps",
        "ema",
        "seed",
        "init",
        "pattern_weight",
    ):
        assert config[key] == ABOUT["training"][key], key
    assert config["precision"] == "fp32"


def test_other_steps_may_be_asked_for() -> None:
    assert composed(training_arguments(ABOUT, steps=50))["trainer"]["max_steps"] == 50


def test_a_slim_style_is_trained_with_slim() -> None:
    about = copy.deepcopy(ABOUT)
    about["loss"]["loss_network"]["weights"] = "slim"
    about["training"]["slim_steps_share"] = 0.0
    config = composed(training_arguments(about))
    assert (config["loss"]["weights"], config["loss"]["slim_share"]) == ("slim", None)


def test_an_old_checkpoint_keeps_its_upsampling_and_optimizer() -> None:
    about = copy.deepcopy(ABOUT)
    del about["net"]["arguments"]["upsampling"], about["training"]["optimizer"]
    del about["training"]["init"], about["data"]["sizes"]
    config = composed(training_arguments(about))
    assert config["net"]["arguments"]["upsampling"] == "nearest"
    assert (config["optimizer"], config["init"]) == ("adam", None)
    assert config["data"]["sizes"] is None


def test_a_style_of_the_users_own_keeps_its_name() -> None:
    about = copy.deepcopy(ABOUT)
    about["style"] |= {"name": "mine", "image": "/pictures/mine.jpg"}
    assert training_arguments(about)[:2] == ["style=/pictures/mine.jpg", "style.name=mine"]
    style = composed(training_arguments(about))["style"]
    assert style["title"] is None  # no other painting's
    assert (style["name"], style["image"]) == ("mine", "/pictures/mine.jpg")


def test_photos_of_the_sample_have_no_folder() -> None:
    about = copy.deepcopy(ABOUT)
    about["data"] |= {"source": "sample", "name": None}
    assert composed(training_arguments(about))["data"]["source"] == "sample"


def test_photos_of_the_hub_are_found_again() -> None:
    about = copy.deepcopy(ABOUT)
    about["data"] |= {"source": "hub", "name": "someone/photos of 2020", "split": "train[:5%]"}
    data = composed(training_arguments(about))["data"]
    assert (data["source"], data["path"]) == ("hub", "someone/photos of 2020")
    assert (data["split"], data["streaming"]) == ("train[:5%]", True)


@pytest.mark.parametrize(
    "name",
    ["my (1).jpg", "a, b.jpg", "a=b.jpg", "it's.jpg", "c:\\d\\e.jpg", "Müller.jpg", "2024", "1e3",
     "null", "True", "-1", 'say "hi".jpg', '5" it\'s.jpg', "1 ends\\", '1\\"x'],
)  # fmt: skip
def test_names_are_quoted(name: str) -> None:
    about = copy.deepcopy(ABOUT)
    about["style"] |= {"name": name, "image": name}
    about["training"]["init"] = name
    about["data"] |= {"name": name, "val_path": name}
    config = composed(training_arguments(about))
    assert (config["style"]["name"], config["style"]["image"], config["init"]) == (name,) * 3
    assert (config["data"]["path"], config["data"]["val_path"]) == (name, name)


def test_other_layers_and_poolings_are_kept() -> None:
    about = copy.deepcopy(ABOUT)
    about["loss"] |= {
        "content_layers": {"relu3_2": 1.0},
        "style_layers": {"relu1_1": 0.75, "conv3_1": 0.25},
        "normalization": "course",
        "loss_network": {
            "weights": "caffe",
            "pooling": "avg",
            "padding": "reflect",
            "architecture": "vgg16",
        },
    }
    loss = composed(training_arguments(about))["loss"]
    assert (loss["pooling"], loss["padding"], loss["network"]) == ("avg", "reflect", "vgg16")
    assert loss["normalization"] == "course"
    for key in ("content_layers", "style_layers"):
        weights = {layer: weight for layer, weight in loss[key].items() if weight}
        assert weights == about["loss"][key]


def test_another_statistic_is_kept() -> None:
    about = copy.deepcopy(ABOUT)
    about["loss"] |= {
        "style_layers": {"relu3_1": 0.5, "relu4_1": 0.5},
        **{"statistic": "patches", "patch_size": 5, "patch_stride": 2},
    }
    loss = composed(training_arguments(about))["loss"]
    assert (loss["statistic"], loss["patch_size"], loss["patch_stride"]) == ("patches", 5, 2)
    weights = {layer: weight for layer, weight in loss["style_layers"].items() if weight}
    assert weights == about["loss"]["style_layers"]


@pytest.mark.parametrize("part", ["style", "loss", "training", "data"])
def test_a_checkpoint_that_does_not_tell_is_refused(part: str) -> None:
    about = {key: value for key, value in ABOUT.items() if key != part}
    with pytest.raises(InputError, match=f"how it was trained: '{part}'"):
        training_arguments(about)
