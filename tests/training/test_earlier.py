"""Names of before: runs and YAML files that say them go on working."""

import importlib

import pytest
from support import ROOT

from fst.training.earlier import MOVED, translated


def test_every_new_place_is_one() -> None:
    for target in MOVED.values():
        module, _, name = target.rpartition(".")
        assert callable(getattr(importlib.import_module(module), name))


def test_every_target_of_the_configs_is_new() -> None:
    text = "".join(path.read_text() for path in (ROOT / "configs").rglob("*.yaml"))
    assert text.count("_target_: fst.") == 5
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
    assert translated({"_target_": "mine.Loss"}) == {"_target_": "mine.Loss"}
