"""Names of before: runs and YAML files that say them go on working."""

import importlib

import pytest
from support import ROOT

from fst.training.earlier import MOVED, renamed, translated


def test_every_new_place_is_one() -> None:
    for target in MOVED.values():
        module, _, name = target.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_every_target_of_the_configs_is_new() -> None:
    text = "".join(path.read_text() for path in (ROOT / "configs").rglob("*.yaml"))
    assert text.count("_target_: fst.") == 6  # and loggers.make_wandb, which is new
    for before, now in MOVED.items():
        assert f"_target_: {before}\n" not in text
        assert f"_target_: {now}\n" in text


@pytest.mark.parametrize("before", MOVED)
def test_targets_are_translated_wherever_they_are(before: str) -> None:
    old = {"data": {"_target_": before, "size": 64}, "several": [{"_target_": before}], "seed": 1}
    now = MOVED[before]
    new = {"data": {"_target_": now, "size": 64}, "several": [{"_target_": now}], "seed": 1}
    assert translated(old) == new
    assert translated(new) == new
    assert translated({"data": {"_target_": "mine.Data"}}) == {"data": {"_target_": "mine.Data"}}


def test_settings_with_other_names_go_on_meaning_the_same() -> None:
    new = {"loss": {"weights": "auto", "slim_share": 0.25}, "schedule": "cosine"}
    old = {"loss": {"weights": "auto", "schedule": 0.25}, "schedule": "cosine"}
    assert translated(old) == new
    # a file of one's own for one of ours, which has the new name, too
    assert translated({"loss": {"schedule": 0.25, "slim_share": None}})["loss"] == {
        "slim_share": 0.25
    }
    assert renamed("loss.schedule=0.25") == "loss.slim_share=0.25"
    assert renamed("++loss.schedule=0.25") == "++loss.slim_share=0.25"
    assert renamed("schedule=constant") == "schedule=constant"
    assert renamed("--multirun") == "--multirun"
