"""fst.training.resume: a run's own settings, what is said on top, and what can't change."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tiny_runs import training_settings
from torch import nn

from fst.errors import CheckpointError, InputError
from fst.training.recipe import Recipe
from fst.training.resume import (
    FIXED,
    REPLACES,
    check_fits,
    foreign_targets,
    leaves,
    own_settings,
    resumed_settings,
    style_of,
)


@pytest.fixture
def own() -> dict[str, Any]:
    """Settings of a run with a loss, a logger and steps of its own."""
    words = ["style.name=mine", "style.image=mine.jpg", "loss=slim", "logger=csv"]
    own = training_settings(*words, "trainer.max_steps=100", "data=folder", "data.path=photos")
    own["loss"]["style_layers"] = {"relu1_1": 1.0}
    return own


@pytest.fixture
def now() -> dict[str, Any]:
    return training_settings("trainer.max_steps=200", "resume=here")


# --- the run's own settings ----------------------------------------------------------------------


def write(folder: Path, content: Any) -> Path:
    (folder / "config.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_a_runs_own_settings_come_back(own: dict[str, Any], tmp_path: Path) -> None:
    assert own_settings(write(tmp_path, own)) == own
    assert style_of(tmp_path) == "mine"


def test_settings_of_an_earlier_version_have_their_new_names(
    own: dict[str, Any], tmp_path: Path
) -> None:
    before = copy.deepcopy(own)
    before["loss"]["_target_"] = "fst.perceptual.PerceptualLoss"
    before["loss"]["schedule"] = before["loss"].pop("slim_share")
    before["data"]["_target_"] = "fst.data.PhotoDataModule"
    del before["net"]["arguments"]["upsampling"]  # of a time without a choice
    found = own_settings(write(tmp_path, before))
    assert found["net"]["arguments"]["upsampling"] == "nearest"
    found["net"]["arguments"]["upsampling"] = "bilinear"
    assert found == own


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "can't read"),
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"seed: [1", "is damaged (line"),
        (b"seed: caf\xe9", "is damaged"),
        (b"\x00\x01", "is damaged"),
        (b"- 1\n- 2\n", "no settings"),
        (b"monet", "no settings"),
        (b"seed: 1", "no style.name"),
        (b"style: monet", "no style.name"),
        (b"style: {name: monet, image: x}\nnet: {name: johnson, arguments: {}}", "no loss.weights"),
        (b"!!python/object/apply:os.system [ls]", "is damaged"),
    ],
)
def test_a_config_that_is_none_is_one_line(
    content: bytes | None, says: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "config.yaml").write_bytes(content)
    with pytest.raises(InputError) as caught:
        own_settings(tmp_path)
    assert says in str(caught.value)
    assert str(tmp_path / "config.yaml") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert style_of(tmp_path) == tmp_path.parent.name


# --- with what is said now -----------------------------------------------------------------------


def test_what_nobody_says_stays_the_runs_own(own: dict[str, Any], now: dict[str, Any]) -> None:
    before = copy.deepcopy(own)
    settings, changes = resumed_settings(own, now, ["resume"])
    assert changes == []
    assert settings == {**before, "resume": "here"}
    assert own == before


def test_what_is_said_is_put_on_top_and_listed(own: dict[str, Any], now: dict[str, Any]) -> None:
    now["trainer"]["max_time"] = "00:01:00:00"
    now["learning_rate"] = 0.001
    said = ["trainer.max_steps", "trainer.max_time", "learning_rate", "data.num_workers"]
    settings, changes = resumed_settings(own, now, said)
    assert sorted(changes) == [
        "learning_rate=0.001 (was 0.003)",
        "trainer.max_steps=200 (was 100)",
        "trainer.max_time=00:01:00:00 (was null)",
    ]
    assert settings["trainer"]["max_steps"] == 200
    assert settings["data"] == own["data"]


def test_a_size_that_each_of_several_styles_has_of_its_own_is_none_that_is_said(
    own: dict[str, Any], now: dict[str, Any]
) -> None:
    now["style"]["size"] = None  # as style=[…] without one; an earlier version wrote 512
    settings, changes = resumed_settings(own, now, ["style.size"])
    assert (settings["style"]["size"], changes) == (own["style"]["size"], [])


def test_a_logger_is_taken_as_a_whole(own: dict[str, Any], now: dict[str, Any]) -> None:
    settings, changes = resumed_settings(own, now, ["logger"])
    assert settings["logger"] == now["logger"]
    assert all(change.startswith("logger.tensorboard.") for change in changes)
    assert resumed_settings(now, own | {"resume": "x"}, ["logger"])[0]["logger"] == own["logger"]


@pytest.mark.parametrize("name", FIXED)
def test_what_a_run_is_made_of_stays(name: str, own: dict[str, Any], now: dict[str, Any]) -> None:
    *groups, last = name.split(".")
    part = now
    for group in groups:
        part = part[group]
    before: Any = own
    for key in (*groups, last):
        before = before.get(key)  # data.split and data.column are of data=coco alone
    part[last] = {"other": 1} if isinstance(before, dict) else "other"
    kept = copy.deepcopy(own)
    with pytest.raises(InputError, match=r"can't change in a run") as caught:
        resumed_settings(own, now, [name])
    assert str(caught.value).startswith(name)
    assert own == kept
    # said again as it is, it may stand there
    part[last] = before
    assert resumed_settings(own, now, [name])[1] == []


def test_an_earlier_run_gets_the_settings_that_there_were_not(
    own: dict[str, Any], now: dict[str, Any]
) -> None:
    before = copy.deepcopy(own)
    del before["trainer"]["print_every"], before["data"]["device_cache"], before["pattern_weight"]
    before["net"]["arguments"] = {"width": 32}
    settings, changes = resumed_settings(before, now, [])
    assert changes == []
    assert settings["trainer"] == own["trainer"]
    assert settings["data"] == own["data"]
    assert settings["net"]["arguments"] == {"width": 32}  # a net's are never mixed
    assert settings["loss"]["style_layers"] == {"relu1_1": 1.0}  # nor are layers


def test_an_earlier_run_ran_with_the_default_of_a_setting_that_there_was_not(
    own: dict[str, Any], now: dict[str, Any]
) -> None:
    del own["brightness_weight"]
    now["brightness_weight"] = 0
    assert resumed_settings(own, now, ["brightness_weight"])[1] == []
    now["brightness_weight"] = 0.06
    with pytest.raises(InputError, match=r"this one has 0\.0, not 0\.06\."):
        resumed_settings(own, now, ["brightness_weight"])


def test_true_is_not_one(own: dict[str, Any], now: dict[str, Any]) -> None:
    own["overwrite"], now["overwrite"] = 1, True
    assert resumed_settings(own, now, ["overwrite"])[1] == ["overwrite=true (was 1)"]


def test_overwrite_is_said_again_of_another_file(own: dict[str, Any], now: dict[str, Any]) -> None:
    own["overwrite"] = now["overwrite"] = True
    assert resumed_settings(own, now, [])[0][REPLACES] is None  # a run of before: of no file
    own[REPLACES] = "a checksum"
    assert resumed_settings(own, now, ["trainer.max_steps"])[0][REPLACES] == "a checksum"
    assert REPLACES not in resumed_settings(own, now, ["overwrite"])[0]


def test_every_setting_has_its_whole_name() -> None:
    assert leaves({"a": 1, "b": {"c": {"d": [2]}, "e": None}}) == {
        "a": 1,
        "b.c.d": [2],
        "b.e": None,
    }


# --- what must not be called ---------------------------------------------------------------------


def test_a_runs_settings_call_only_what_is_known(own: dict[str, Any], now: dict[str, Any]) -> None:
    assert foreign_targets(own, [now]) == []
    own["logger"]["more"] = [{"_target_": "os.system", "command": "true"}]
    own["trainer"]["x"] = {"y": {"_target_": "fst.errors.os.system"}}
    assert sorted(foreign_targets(own, [now])) == ["fst.errors.os.system", "os.system"]
    assert foreign_targets(own, [now, {"a": {"_target_": "os.system"}}]) == ["fst.errors.os.system"]


# --- whether a checkpoint fits -------------------------------------------------------------------


def content(net: nn.Module, **more: Any) -> dict[str, Any]:
    state = {f"net.{key}": value for key, value in net.state_dict().items()}
    return {"global_step": 10, "state_dict": state, "fst": {"optimizer": "muon"}, **more}


def test_a_checkpoint_of_this_net_and_recipe_fits() -> None:
    net = nn.Conv2d(3, 3, 3)
    check_fits(content(net), net, Recipe(), 10)
    with_average = content(net)
    with_average["state_dict"]["average.weight"] = torch.zeros(3, 3, 3, 3)
    check_fits(with_average, net, Recipe(ema=0.5), 11)


def test_another_checkpoint_does_not() -> None:
    net = nn.Conv2d(3, 3, 3)
    for other, recipe, says in (
        (content(nn.Conv2d(3, 4, 3)), Recipe(), "net"),
        (content(net, state_dict={}), Recipe(), "net"),
        (content(net, state_dict=None), Recipe(), "net"),
        (content(net), Recipe(ema=0.5), "ema"),
        (content(net), Recipe(optimizer="adam"), "optimizer=muon"),
        (content(net, global_step=11), Recipe(), "max_steps=10"),
    ):
        with pytest.raises(CheckpointError, match=says) as caught:
            check_fits(other, net, recipe, 10)
        assert "\n" not in str(caught.value)
