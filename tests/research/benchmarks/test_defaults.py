"""Every setting has one default: configuration, constructors and benchmarks say the same."""

import inspect
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from support import ROOT

from fst.data.settings import PhotoSettings
from fst.interfaces.arguments.benchmark import parser
from fst.losses.perceptual import STYLE_LAYERS, PerceptualLoss
from fst.nets import EARLIER
from fst.nets.johnson import JohnsonNet
from fst.research.benchmarks.defaults import default_net, default_steps, hybrid_share
from fst.research.benchmarks.one_pass import InferenceBench
from fst.research.benchmarks.training_step import BenchmarkSettings
from fst.training.recipe import Recipe
from fst.training.trainer import make_trainer


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    """What ``fst train style=monet`` trains."""
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        plain = OmegaConf.to_container(compose("train", ["style=monet"]), resolve=True)
    assert isinstance(plain, dict)
    return plain


def defaults(callable: Callable[..., Any]) -> dict[str, Any]:
    parameters = inspect.signature(callable).parameters
    return {name: parameter.default for name, parameter in parameters.items()}


def without(group: dict[str, Any], *names: str) -> dict[str, Any]:
    """The group's own settings: neither Hydra's keys nor ``names``."""
    return {key: value for key, value in group.items() if key[0] != "_" and key not in names}


@pytest.mark.parametrize(
    ("group", "made", "elsewhere"),
    [
        # calibrated; and which loss judges when is the module's
        ("loss", PerceptualLoss, ("content_weight", "style_weight", "slim_share")),
        ("trainer", make_trainer, ()),
        ("data", PhotoSettings, ("source", "path")),  # which differ from source to source
    ],
)
def test_a_group_has_the_defaults_of_what_it_makes(
    config: dict[str, Any], group: str, made: Callable[..., Any], elsewhere: tuple[str, ...]
) -> None:
    configured = without(config[group], *elsewhere)
    known = defaults(made)
    if made is PerceptualLoss:  # the layers of the usual statistic
        assert known["style_layers"] is None
        known["style_layers"] = STYLE_LAYERS
    assert configured == {name: known[name] for name in configured}
    assert configured


def test_the_recipe_has_the_defaults_of_the_configuration(config: dict[str, Any]) -> None:
    assert Recipe().as_dict() == {field.name: config[field.name] for field in fields(Recipe)}


def test_the_net_has_the_defaults_of_its_class_but_for_what_earlier_ones_did_not_say(
    config: dict[str, Any],
) -> None:
    """An old checkpoint says no upsampling and means nearest; what is trained now is bilinear."""
    arguments = config["net"]["arguments"]
    assert set(arguments) == set(defaults(JohnsonNet))
    assert {**arguments, **EARLIER} == defaults(JohnsonNet)
    assert arguments["upsampling"] == "bilinear"


def test_the_benchmarks_take_what_is_trained(config: dict[str, Any]) -> None:
    assert default_net() == config["net"]
    assert default_steps() == config["trainer"]["max_steps"]
    settings = BenchmarkSettings()
    assert settings.width == config["net"]["arguments"]["width"]
    assert (settings.batch, settings.size) == (config["data"]["batch_size"], config["data"]["size"])
    assert settings.weights == config["loss"]["weights"]
    assert settings.workers == config["data"]["num_workers"]


def test_the_benchmarks_options_have_the_benchmarks_defaults() -> None:
    options = vars(parser().parse_args(["train"]))
    assert {name: options[name] for name in asdict(BenchmarkSettings())} == asdict(
        BenchmarkSettings()
    )


def test_a_hybrid_s_share_is_the_configuration_s() -> None:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        config = compose("train", ["style=monet", "loss=hybrid"])
    assert 0 < hybrid_share() == config.loss.slim_share < 1


def test_a_pass_is_timed_with_the_net_that_is_trained(config: dict[str, Any]) -> None:
    bench = InferenceBench(device="cpu")
    assert bench.net.upsampling == config["net"]["arguments"]["upsampling"]
    assert bench.textbook.upsample.mode == bench.net.upsampling
