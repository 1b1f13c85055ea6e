"""fst.interfaces.arguments.train_help: every setting with its default and what it is."""

import argparse

import pytest
import yaml
from hydra import compose, initialize_config_dir
from support import ROOT

from fst import assets
from fst.interfaces.arguments import train, train_help
from fst.training.words import hydras

CONFIGS = ROOT / "configs"


def read(*words: str) -> argparse.Namespace:
    return train.parser().parse_args(list(words))


def test_defaults_and_comments_in_the_help_are_those_of_the_files() -> None:
    settings = {s.key: s for group in train_help.GROUPS for s in train_help.group_settings(group)}
    settings |= {s.key: s for s in train_help.main_settings()}
    plain = yaml.safe_load((CONFIGS / "trainer" / "default.yaml").read_text())
    for key, value in plain.items():
        if not key.startswith("_"):
            assert yaml.safe_load(settings[f"trainer.{key}"].default) == value
    assert settings["net.arguments.width"].default == "32"
    assert settings["data.batch_size"].comment == "photos a step, of all devices together"
    assert settings["style.name"].default == "(needed)"
    assert "hydra.run" not in settings
    assert not any("_target_" in key for key in settings)


@pytest.mark.parametrize("group", [p.name for p in CONFIGS.iterdir() if p.is_dir()])
def test_the_help_of_a_group_has_every_choice_and_setting(
    group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        read("--help", group)
    assert end.value.code == 0
    page = capsys.readouterr().out
    for path in (CONFIGS / group).glob("[!_]*.yaml"):
        assert f"{group}={path.stem}" in page
    for setting in train_help.group_settings(group):
        assert (f"{setting.key}=" in page) == ("${" not in setting.default)


def test_the_help_has_every_group_and_main_setting_and_where_it_writes() -> None:
    page = train.parser().format_help()
    for path in CONFIGS.iterdir():
        assert not path.is_dir() or f"{path.name}=" in page
    for key in yaml.safe_load((CONFIGS / "train.yaml").read_text()):
        assert key in ("defaults", "hydra", "style") or f"{key}=" in page
    assert str(assets.user_folder("")) in page
    assert "gatys*" in page  # the default


def test_examples_compose() -> None:
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        for words, _ in train_help.EXAMPLES:
            flags = {"-m", "--cfg", "job"}
            read(*words.split())
            settings = [w for w in words.split() if w not in flags and "," not in w]
            composed = hydras(settings, train.known_keys())
            named = any(word.lstrip("~").partition("=")[0] == "style" for word in composed)
            compose("train", [*composed, *([] if named else ["style=monet"])])
