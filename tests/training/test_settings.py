"""Settings that are wrong are one line that names them, before any work; loggers: test_session."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tiny_runs import training_settings

from fst.data.module import PhotoDataModule
from fst.errors import InputError
from fst.training.settings import check_group, check_settings


def leaves(part: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its default, by its dotted name."""
    for key, value in part.items():
        if key.startswith("_") or path == "logger.":
            continue
        if isinstance(value, Mapping) and key not in ("content_layers", "style_layers"):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


COMPOSED = training_settings()

DEFAULTS = dict(leaves(COMPOSED))

WRONG_VALUES: dict[str, list[Any]] = {
    "style.size": [0, 31, -512],
    "style.strength_target": [0, 1, 2.0],
    "style.content_weight": [-1.0],
    "style.style_weight": [-1.0],
    "style.tv_weight": [-0.5, None],
    "loss.content_weight": [-1.0],
    "loss.style_weight": [-1.0],
    "loss.tv_weight": [-1.0, None],
    "loss.content_layers": [{}, {"relu4_2": -1.0}, {"relu4_2": "much"}],
    "loss.style_layers": [{}, {"relu1_1": -1.0}],
    "loss.pooling": ["mean"],
    "loss.network": ["vgg11", "VGG16"],
    "loss.padding": ["circular"],
    "loss.normalization": ["none"],
    "loss.statistic": ["grams", None],
    "loss.patch_size": [0, 32],
    "loss.patch_stride": [0, 2.5],
    "loss.slim_share": [-0.1, 1.1],
    "net.name": ["resnet"],
    "net.arguments.width": [0, -8, 10**9],
    "net.arguments.residual_blocks": [-1, 10**9],
    "net.arguments.upsampling": ["deconvolution"],
    "data.source": ["web"],
    "data.size": [0, 15],
    "data.sizes": [[0], [256, "big"]],
    "data.batch_size": [0, -4],
    "data.val_photos": [0],
    "data.max_photos": [0, -1],
    "data.min_scale": [0, 1.5],
    "data.num_workers": [-1],
    "data.device_cache": ["perhaps"],
    "data.shuffle_buffer": [0],
    "style.margin": [-4, 10, 260],
    "trainer.max_steps": [0, -1],
    "trainer.device": ["abacus"],
    "trainer.devices": [0, "all"],
    "trainer.num_nodes": [0],
    "trainer.strategy": ["hope"],
    "trainer.log_every": [0],
    "trainer.val_every": [0],
    "trainer.preview_every": [0],
    "trainer.checkpoint_every": [0],
    "trainer.print_every": [0],
    "trainer.max_time": ["soon", "1:30", "90"],
    "optimizer": ["sgd"],
    "learning_rate": [0, -1e-3, float("nan"), float("inf")],
    "schedule": ["linear"],
    "warmup_steps": [-1],
    "ema": [1.0, -0.1],
    "color_weight": [-1, "much"],
    "brightness_weight": [-1, "much"],
    "frame_weight": [-1, "much"],
    "weave_weight": [-1, "much"],
    "stability_weight": [-1, "much"],
    "pattern_weight": [-1],
    "seed": [-1],
    "precision": ["fp16", "half"],
    "accumulate": [0],
    "paintings.source": ["web"],
    "paintings.sizes": [[], [256, 256], [63], [512, "big"], 512],
    "paintings.variants": [0, -1],
    "paintings.held_out": [-1, "some", [3]],
    "paintings.limit": [0, "all"],
    "paintings.mixed": [-0.1, 1.1],
    "paintings.style_weights": [[], [2], [40, 2], [0, 40], [2, "much"], 6],
    "styles": [[], ["monet"], ["monet", 2], "monet"],
}
"""Of the right type, but out of range."""

FREE = {"style.title", "style.painter", "style.year", "style.rights"}
"""Any plain value will do."""

TEXTS = {"style.name", "style.image", "data.path", "data.val_path", "data.cache", "loss.weights",
         "init", "resume", "runs", "checkpoints", "paintings.path", "paintings.split",
         "paintings.column", "paintings.cache"}  # fmt: skip
"""Names and paths, of any content."""

SWITCHES = {"compile", "overwrite", "freeze"}


def wrong_types(name: str) -> list[Any]:
    """Values whose type can't be meant."""
    if name in FREE:
        return [["a", "list"], {"a": "mapping"}]
    if name in TEXTS:
        return [["a", "list"], {"a": "mapping"}, 2.5]
    if name in ("loss.content_layers", "loss.style_layers"):
        return ["relu4_2,", "relu6_1", 3, ["relu4_2"], True]
    if name == "paintings.held_out":  # a list is one of names
        return ["nonsense", {"a": "mapping"}]
    if name in SWITCHES:
        return ["perhaps", 1, None, [True]]
    return ["nonsense", ["a", "list"], {"a": "mapping"}]


def check_all(wrong: Mapping[str, Any]) -> None:
    """What the command does before any work."""
    check_settings(wrong)
    PhotoDataModule(**{k: v for k, v in wrong["data"].items() if not k.startswith("_")})


def cases() -> Iterator[tuple[str, Any]]:
    for name in DEFAULTS:
        for value in [*wrong_types(name), *WRONG_VALUES.get(name, [])]:
            yield name, value


def test_the_cases_are_of_all_settings() -> None:
    assert set(WRONG_VALUES) <= set(DEFAULTS)
    groups = {name.partition(".")[0] for name in DEFAULTS if "." in name}
    assert groups == {"style", "loss", "net", "data", "trainer", "paintings"}
    # what has no value out of range is a name, a switch, or free
    assert set(DEFAULTS) - set(WRONG_VALUES) == TEXTS | FREE | SWITCHES | {"data.seed"}


@pytest.mark.parametrize(("name", "value"), list(cases()))
def test_a_wrong_setting_is_one_line(name: str, value: Any) -> None:
    wrong = copy.deepcopy(COMPOSED)
    *groups, key = name.split(".")
    part = wrong
    for group in groups:
        part = part[group]
    part[key] = value
    with pytest.raises(InputError) as caught:
        check_all(wrong)
    message = str(caught.value)
    assert "\n" not in message
    assert key in message
    shown = {None: "null", True: "true"}.get(value) if value is None or value is True else None
    if not isinstance(value, Mapping | list):
        assert (shown or str(value)) in message or repr(value) in message


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("optimizer", "sgd", ["muon", "adam"]),
        ("schedule", "linear", ["cosine", "constant"]),
        ("ema", 1.0, ["at least 0", "below 1"]),
        ("learning_rate", 0, ["above 0"]),
        ("warmup_steps", -1, ["whole number", "at least 0"]),
        ("precision", "fp64", ["auto", "fp32", "bf16"]),
        ("loss.pooling", "min", ["max", "avg"]),
        ("loss.padding", "circular", ["zeros", "replicate", "reflect"]),
        ("loss.normalization", "none", ["relative", "course"]),
        ("loss.statistic", "grams", ["gram", "moments", "sliced", "patches"]),
        ("loss.patch_size", 3, ["for statistic patches", "not for gram"]),
        ("loss.patch_stride", 99, ["1 to 31", "null"]),
        ("loss.slim_share", 1.5, ["0 to 1", "null"]),
        ("style.strength_target", 0.01, ["0.05", "0.95", "null"]),
        ("style.size", 3, ["whole number", "at least"]),
        ("trainer.device", "abacus", ["auto", "cpu"]),
        ("trainer.max_time", "soon", ["DD:HH:MM:SS"]),
        ("data.source", "ftp", ["auto", "folder", "hub", "sample"]),
        ("compile", "perhaps", ["true", "false"]),
    ],
)
def test_what_is_allowed_is_said(name: str, value: Any, allowed: list[str]) -> None:
    wrong = copy.deepcopy(COMPOSED)
    *groups, key = name.split(".")
    part = wrong
    for group in groups:
        part = part[group]
    part[key] = value
    with pytest.raises(InputError) as caught:
        check_all(wrong)
    assert all(fact in str(caught.value) for fact in allowed)


def test_the_defaults_are_allowed() -> None:
    check_settings(training_settings())


@pytest.mark.parametrize("group", ["style", "net", "loss", "data", "trainer", "logger"])
@pytest.mark.parametrize("taken", ["null", "away", 5])
def test_a_group_that_is_missing_is_named(group: str, taken: object) -> None:
    wrong = copy.deepcopy(COMPOSED)
    if taken == "away":
        del wrong[group]
    else:
        wrong[group] = None if taken == "null" else taken
    with pytest.raises(InputError, match=group) as caught:
        check_settings(wrong)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["style.size", "trainer.device", "loss.weights", "init"])
def test_a_setting_that_was_taken_away_is_named(name: str) -> None:
    wrong = copy.deepcopy(COMPOSED)
    group, _, key = name.rpartition(".")
    del (wrong[group] if group else wrong)[key]
    with pytest.raises(InputError, match=re.escape(name)):
        check_settings(wrong)


@pytest.mark.parametrize(("name", "least"), [("weave_weight", 96), ("frame_weight", 128)])
def test_a_term_that_needs_larger_crops_says_so(name: str, least: int) -> None:
    words = [f"{name}=1", f"data.sizes=[256,{least}]"]
    check_settings(training_settings(*words))
    with pytest.raises(InputError, match=f"{name} needs crops of {least} pixels or more, not 16$"):
        check_settings(training_settings(words[0], "data.sizes=[256,16]"))


def test_without_strength_a_weight_is_needed() -> None:
    with pytest.raises(InputError, match=r"strength_target.*style_weight"):
        check_settings(training_settings("style.strength_target=null"))
    check_settings(training_settings("style.strength_target=null", "style.style_weight=3"))


def test_the_name_of_the_net_that_trainings_begin_with_is_taken() -> None:
    with pytest.raises(InputError, match=r"style\.name .*base"):
        check_group("style", {"name": "base"})
