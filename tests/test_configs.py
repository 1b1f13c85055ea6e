"""Every configuration composes, and its defaults are those of the code."""

import inspect
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from support import ROOT

from fst.losses.perceptual import STYLE_LAYERS, PerceptualLoss
from fst.nets import alike
from fst.optimization.pixels import optimize
from fst.optimization.presets import PRESETS
from fst.optimization.pyramid import optimize_coarse_to_fine
from fst.styles import catalog
from fst.styles.catalog import load_style
from fst.styles.predicted import ANY, load_any
from fst.training.loss_weights import is_calibrated
from fst.training.trainer import make_trainer

CONFIGS = ROOT / "configs"


def options(group: str) -> list[str]:
    return sorted(p.stem for p in (CONFIGS / group).glob("*.yaml") if not p.stem.startswith("_"))


def composed(*overrides: str) -> dict[str, object]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        plain = OmegaConf.to_container(compose("train", list(overrides)), resolve=True)
    assert isinstance(plain, dict)
    return plain


@pytest.mark.parametrize("style", catalog.style_names())
def test_every_style_composes_and_names_its_work(style: str) -> None:
    config = composed(f"style={style}")["style"]
    assert config["name"] == style
    assert all(config[key] for key in ("image", "title", "painter", "year", "rights", "size"))


def test_there_are_five_styles() -> None:
    assert catalog.style_names() == ["great_wave", "monet", "poppies", "starry_night", "the_scream"]


def test_any_painting_is_a_choice_of_style_and_no_style() -> None:
    assert set(options("style")) - set(catalog.style_names()) == {"any"}
    config = composed("style=any", "paintings.path=paintings", "experiment=cpu")
    assert config["style"]["name"] == config["net"]["name"] == "any"
    assert config["style"]["image"] is None
    assert config["loss"]["slim_share"] == 0.5


@pytest.mark.parametrize("style", catalog.style_names())
def test_every_painting_is_among_the_assets(style: str, assets_folder: Path) -> None:
    image = catalog.read_style(style)["image"]
    assert any((assets_folder / kind / image).is_file() for kind in ("styles", "paintings"))


@pytest.mark.parametrize(
    ("group", "name"),
    [
        (g, n)
        for g in ("data", "experiment", "logger", "trainer", "net", "loss", "paintings", "style")
        for n in options(g)
    ],
)
def test_every_group_composes(group: str, name: str) -> None:
    assert composed("style=monet", f"{group}={name}")


@pytest.mark.parametrize(
    ("arguments", "judges"),
    [
        ([], ("auto", 0.5)),
        (["loss=gatys"], ("auto", None)),
        (["loss=slim"], ("slim", None)),
        (["loss.slim_share=0.2"], ("auto", 0.2)),
    ],
)
def test_a_loss_that_is_asked_for_is_taken_in_an_experiment(
    arguments: list[str], judges: tuple[str, float | None]
) -> None:
    loss = composed("style=monet", "experiment=cpu", *arguments)["loss"]
    assert (loss["weights"], loss["slim_share"]) == judges


def test_a_minute_has_no_pilot_and_looks_at_its_net_first_and_last_alone() -> None:
    config: Any = composed("style=monet", "experiment=minute")
    steps = config["trainer"]["max_steps"]
    assert (config["init"], config["loss"]["weights"]) == ("any", "at_hand")
    assert not is_calibrated(config["style"])
    assert config["trainer"]["val_every"] == config["trainer"]["preview_every"] == steps
    assert config["trainer"]["checkpoint_every"] <= steps
    fast: Any = composed("style=monet", "experiment=minute", "loss=slim")
    assert (fast["loss"]["weights"], fast["loss"]["slim_share"]) == ("slim", None)


@pytest.mark.parametrize("experiment", options("experiment"))
def test_an_experiment_begins_with_a_net_that_is_there_and_fits(experiment: str) -> None:
    config: Any = composed("style=monet", f"experiment={experiment}")
    if config["init"] == ANY:  # the ordinary net in it
        found = load_any(ROOT / "checkpoints")
        if found is None:
            pytest.skip("no any-painting net is shipped")
        arguments = found.trained.description["net"]["arguments"]
        assert config["net"]["name"] == "johnson"
        assert config["net"]["arguments"].items() <= arguments.items()
    elif config["init"] is not None:
        assert alike(load_style(str(config["init"])).description["net"], config["net"])


def test_the_defaults_are_those_of_the_code() -> None:
    config = composed("style=monet")
    signature = inspect.signature(PerceptualLoss).parameters
    for name, value in config["loss"].items():
        if name == "slim_share":  # of the trainer, which loss judges when; none by default
            assert value is None
        elif name in ("content_weight", "style_weight"):  # calibrated by default
            assert value is None
        elif not name.startswith("_"):
            default = STYLE_LAYERS if name == "style_layers" else signature[name].default
            assert value == default, name
    signature = inspect.signature(make_trainer).parameters
    for name, value in config["trainer"].items():
        if not name.startswith("_"):
            default = STYLE_LAYERS if name == "style_layers" else signature[name].default
            assert value == default, name


def test_the_steps_and_the_batch_are_those_of_2016_and_an_experiment_has_the_rest() -> None:
    config = composed("style=monet")
    assert (config["data"]["size"], config["data"]["batch_size"]) == (256, 4)
    assert config["trainer"]["max_steps"] == 40_000
    config = composed("style=monet", "experiment=johnson2016")
    assert (config["optimizer"], config["learning_rate"]) == ("adam", 1e-3)
    assert (config["schedule"], config["warmup_steps"]) == ("constant", 0)


def test_presets_take_arguments_that_exist() -> None:
    for preset in PRESETS.values():
        assert set(preset.loss) <= set(inspect.signature(PerceptualLoss).parameters)
        known = {**inspect.signature(optimize_coarse_to_fine).parameters}
        assert set(preset.optimize) <= set(inspect.signature(optimize).parameters) | set(known)
