"""``fst demo`` with commands that are written down and not run."""

import argparse
import importlib
import urllib.request
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from support import ROOT, make_photo

from fst.interfaces.commands import demo

Calls = list[tuple[str, list[str]]]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Calls:
    """The commands that the demo would run, in an empty folder."""
    found: Calls = []

    def note(words: list[str]) -> int:
        assert words[:2] == ["-m", "fst"]
        found.append((words[2], words[3:]))
        return 0

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(demo, "run_python", note)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return found


def test_every_command_is_one_that_there_is_and_goes_on_from_the_one_before(
    calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(argparse.Namespace()) == 0
    assert [command for command, _ in calls] == ["stylize", "train", "stylize", "compare"]
    for command, words in calls:
        module = importlib.import_module(f"fst.interfaces.arguments.{command}")
        module.parser().parse_args(words)  # ends the process where it is misunderstood
    (_, first), (_, train), (_, second), (_, compare) = calls
    with initialize_config_dir(str(ROOT / "configs"), version_base="1.3"):
        settings = OmegaConf.to_container(compose("train", train))
    assert isinstance(settings, dict)
    trained = f"{settings['checkpoints']}/{settings['style']['name']}.safetensors"
    assert second[second.index("--style") + 1] == trained
    assert compare[compare.index("--style") + 1] == trained
    assert settings["loss"]["weights"] == "slim"
    # photos are those that come with the packages
    assert Path(first[0]).is_file()
    assert settings["data"]["source"] == "sample"
    photos = Path(compare[compare.index("--photos") + 1])
    assert len(list(photos.iterdir())) == 2
    told = capsys.readouterr().out
    assert all(f"$ fst {command} {words[0]}" in told for command, words in calls)


def test_photos_of_the_assets_are_taken(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "eval"):
        (tmp_path / "assets" / "photos" / name).mkdir(parents=True)
    photo = tmp_path / "assets" / "photos" / "eval" / "a.png"
    make_photo().save(photo)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    demo.main(argparse.Namespace())
    (_, first), (_, train), _, (_, compare) = calls
    assert first[0] == str(photo)
    assert f"data.path={tmp_path}/assets/photos/train" in train
    assert compare[compare.index("--photos") + 1] == str(photo.parent)


def test_a_command_that_fails_ends_the_demo_with_its_status(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "run_python", lambda words: 3 if words[2] == "train" else 0)
    with pytest.raises(SystemExit) as end:
        demo.main(argparse.Namespace())
    assert end.value.code == 3


@pytest.mark.usefixtures("calls")
def test_what_becomes_of_vgg19_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "at_hand", lambda: None)
    assert "loss=slim" in demo.about_vgg19()
    monkeypatch.setattr(demo, "at_hand", lambda: Path("somewhere/vgg.pth"))
    for fact in ("vgg.pth", f"fst train style={demo.STYLE}"):
        assert fact in demo.about_vgg19()
