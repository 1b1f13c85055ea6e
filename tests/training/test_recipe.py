"""One list of settings: the dataclass, the YAML, what a style carries, what reproduces it."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from safetensors import safe_open
from support import ROOT

from fst.errors import InputError
from fst.styles.reproduce import recipe_of, training_arguments
from fst.training.recipe import Recipe

ANOTHER = Recipe(
    "adam", 2e-3, "constant", 7, 0.99, 100.0, 2, "fp32", True, 5, True, 0.2, 0.3, 0.4, 0.1, 0.05
)
"""No value is a default."""


def composed(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        plain: Any = OmegaConf.to_container(compose("train", list(overrides)), resolve=True)
    return dict(plain)


def description(recipe: Recipe) -> dict[str, Any]:
    """What a finished style carries; the recipe apart, of no interest here."""
    return {
        "net": {"name": "johnson", "arguments": {"width": 8}},
        "style": {"name": "monet", "image": "monet_woman_with_a_parasol.jpg", "size": 256},
        "loss": {"content_weight": 1.0, "style_weight": 5.0, "tv_weight": 0.5,
                 "loss_network": {"weights": "slim"}},
        "data": {"source": "sample", "name": None, "size": 64, "batch_size": 1},
        "recipe": asdict(recipe),
        "training": {"steps": 20},
    }  # fmt: skip


def test_the_other_recipe_differs_in_everything() -> None:
    mine, default = asdict(ANOTHER), asdict(Recipe())
    assert all(mine[name] != default[name] for name in mine)


def test_the_yaml_has_the_fields_and_the_defaults() -> None:
    config = composed("style=monet")
    assert {name: config[name] for name in asdict(Recipe())} == asdict(Recipe())
    groups = {"style", "net", "loss", "data", "trainer", "logger", "paintings"}
    others = {"styles", "init", "resume", "overwrite", "runs", "checkpoints"}
    assert set(config) == {field.name for field in fields(Recipe)} | groups | others


def test_settings_give_the_recipe_back() -> None:
    assert Recipe.of({**asdict(ANOTHER), "style": {}, "runs": "runs"}) == ANOTHER
    assert Recipe.of({"seed": 5}) == replace(Recipe(), seed=5)


def test_the_command_of_a_style_composes_its_recipe() -> None:
    arguments = training_arguments(description(ANOTHER))
    assert Recipe.of(composed(*arguments)) == ANOTHER
    named = [argument.partition("=")[0] for argument in arguments]
    assert all(named.count(field.name) == 1 for field in fields(Recipe))


def test_styles_of_before_tell_theirs_too() -> None:
    earlier = description(Recipe())
    del earlier["recipe"]
    told = {"optimizer": "muon", "learning_rate": 3e-3, "schedule": "cosine", "warmup_steps": 20,
            "ema": 0.0, "pattern_weight": 3000.0, "precision": "bf16-mixed", "seed": 1}  # fmt: skip
    earlier["training"] |= told
    assert recipe_of(earlier) == {**told, "precision": "bf16"}
    # the first ones were trained with Adam, and did not say so
    for name in ("optimizer", "ema", "warmup_steps", "pattern_weight"):
        del earlier["training"][name]
    first = Recipe.of(composed(*training_arguments(earlier)))
    assert (first.optimizer, first.ema, first.pattern_weight) == ("adam", 0.0, 0.0)


@pytest.mark.parametrize("path", sorted((ROOT / "checkpoints").glob("*.safetensors")), ids=str)
def test_shipped_styles_tell_a_recipe_that_is_one(path: Path) -> None:
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["fst"])
    if "training" in about and "learning_rate" in about["training"]:  # base is a mean of others
        assert Recipe.of(recipe_of(about)).optimizer in ("muon", "adam")


@pytest.mark.parametrize(
    ("setting", "allowed"),
    [
        ({"optimizer": "sgd"}, "muon"),
        ({"learning_rate": 0}, "above 0"),
        ({"learning_rate": "fast"}, "above 0"),
        ({"schedule": "linear"}, "cosine"),
        ({"warmup_steps": -5}, "at least 0"),
        ({"ema": 1.0}, "below 1"),
        ({"pattern_weight": -1}, "at least 0"),
        ({"accumulate": 0}, "at least 1"),
        ({"precision": "fp16"}, "bf16"),
        ({"compile": 1}, "true or false"),
        ({"seed": "abc"}, "whole number"),
    ],
)
def test_what_is_no_recipe_is_refused(setting: dict[str, Any], allowed: str) -> None:
    ((name, value),) = setting.items()
    with pytest.raises(InputError) as caught:
        Recipe(**setting)
    assert all(part in str(caught.value) for part in (name, str(value), allowed))
