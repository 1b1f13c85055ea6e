"""``fst styles``: what is there, on a bare machine and with assets; quick, without torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from many_files import write_many
from safetensors.torch import save_file
from support import ROOT, make_photo
from tiny_any import save_any

from fst.interfaces import cli
from fst.interfaces.commands import styles
from fst.loss_networks.sources import AUTO, WEIGHTS, at_hand
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle, save_checkpoint

NAMES = {"great_wave", "monet", "poppies", "starry_night", "the_scream"}


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it, seen from an empty folder."""
    monkeypatch.delenv("FST_ASSETS", raising=False)
    monkeypatch.delenv("TORCH_HOME", raising=False)
    for name in ("CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    (here := tmp_path / "here").mkdir()
    monkeypatch.chdir(here)
    return here


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as end:
        cli.main(["styles", *words])
    assert not end.value.code
    output, errors = capsys.readouterr()
    assert errors == ""
    return output


def write(folder: Path, name: str, **about: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
    style = TrainedStyle(
        JohnsonNet(**net["arguments"]), {"net": net, "style": {"name": name, **about}}
    )  # type: ignore[arg-type]
    save_checkpoint(folder / f"{name}.safetensors", style)
    return folder / f"{name}.safetensors"


def test_on_a_bare_machine_all_that_is_shipped_and_what_is_missing(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    painted, trained = listed(capsys).split("Train (")
    for name in NAMES:
        assert name in painted
        assert name in trained
    for text in ("The Starry Night", "Claude Monet", "Katsushika Hokusai"):
        assert text in painted
        assert text in trained
    assert trained.count("not here") == len(NAMES) + 2  # paintings, VGG-19, photos
    assert "loss=slim data=sample" in trained
    assert "--style painting.jpg --method optimize" in trained  # without, its net is predicted


def test_with_assets_where_they_are(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = bare / "assets"
    (root / "styles").mkdir(parents=True)
    make_photo().save(root / "styles" / "monet_woman_with_a_parasol.jpg")
    (root / "photos" / "train").mkdir(parents=True)
    (root / "weights").mkdir()
    (root / "weights" / styles.VGG19_FILES[0]).touch()
    monkeypatch.setenv("FST_ASSETS", str(root))
    monkeypatch.setattr(styles, "Console", wide(styles.Console))
    output = listed(capsys)
    for path in (
        "styles/monet_woman_with_a_parasol.jpg",
        "photos/train",
        f"weights/{styles.VGG19_FILES[0]}",
    ):
        assert str(root / path) in output
    assert output.count("not here") == len(NAMES) - 1


def test_a_texture_portrait_stands_in_for_a_painting(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = styles.assets.shipped
    monkeypatch.setattr(
        styles.assets, "shipped", lambda name: bare if name == "embedded" else shipped(name)
    )
    (bare / "portraits").mkdir()
    (bare / "portraits" / "poppies.jpg").touch()  # by the style's name, not the painting's
    lines = listed(capsys).split("Train (")[1].splitlines()
    assert [line.split()[0] for line in lines if "portrait" in line] == ["poppies"]


def wide(console: type) -> object:
    return lambda **_: console(width=400)


def test_a_style_is_listed_once_from_where_it_would_be_taken(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(bare / "checkpoints", "monet", title="Another Monet")
    write(styles.assets.user_folder("checkpoints"), "mine", image="me.jpg")
    painted = listed(capsys).split("Train (")[0]
    assert "Another Monet" in painted
    assert "Water Lilies" not in painted
    assert "me.jpg" in painted
    assert "mine" in listed(capsys, "--checkpoints", str(styles.assets.user_folder("checkpoints")))


def test_files_that_are_no_styles_are_said_to_be_none(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = write(bare / "checkpoints", "whole").read_bytes()
    (bare / "checkpoints" / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    (bare / "checkpoints" / "text.safetensors").write_text("no tensors")
    save_file({"a": torch.zeros(1)}, bare / "checkpoints" / "other.safetensors")
    save_file({"a": torch.zeros(1)}, bare / "checkpoints" / "odd.safetensors", {"fst": "[1]"})
    lines = listed(capsys, "--checkpoints", "checkpoints").splitlines()
    for name in ("half", "text", "other", "odd"):
        (line,) = (line for line in lines if line.split()[:1] == [name])
        assert "damaged" in line
    (line,) = (line for line in lines if line.split()[:1] == ["whole"])
    assert "damaged" not in line
    (bare / "empty").mkdir()
    assert "none in empty" in listed(capsys, "--checkpoints", "empty")
    with pytest.raises(SystemExit) as end:
        cli.main(["styles", "--checkpoints", "nowhere"])
    assert end.value.code == 1
    assert "nowhere" in capsys.readouterr().err


def test_vgg19_is_found_where_a_training_finds_it(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tuple(WEIGHTS[source].file for source in AUTO) == styles.VGG19_FILES
    assert styles.vgg19() is None is at_hand()
    places = {
        "cache": tmp_path / "cache" / "torch" / "hub" / "checkpoints",
        "torch home": tmp_path / "torch" / "hub" / "checkpoints",
    }
    for place, folder in places.items():
        if place == "torch home":
            monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
        folder.mkdir(parents=True)
        assert at_hand() is None
        (folder / styles.VGG19_FILES[1]).touch()
        assert styles.vgg19() == str(at_hand()) == str(folder / styles.VGG19_FILES[1])


def test_torch_is_not_loaded() -> None:
    program = (
        "import sys; from fst.interfaces import cli\n"
        "try: cli.main(['styles'])\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.splitlines()[-1] == "False"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are UTF-8")
def test_a_style_in_a_folder_whose_name_is_not_utf8_is_read(bare: Path) -> None:
    path = write(Path(os.fsdecode(b"caf\xe9")), "whole")
    assert styles.read_header(path)["style"]["name"] == "whole"


def test_brackets_of_names_and_titles_are_shown(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(bare / "checkpoints", "a[red]b", title="Sea [/b] [1874]")
    line = next(line for line in listed(capsys).splitlines() if "a[red]b" in line)
    assert "Sea [/b] [1874]" in line


def test_the_styles_of_a_many_file_are_listed_by_what_they_are_asked_for_by(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nets = bare / "checkpoints"
    write_many(nets / "gallery.safetensors", ("kiss", "irises"))
    write_many(nets / "more.safetensors", ("sea", "kiss"))
    write(nets, "irises")
    (nets / "shared" / "any.safetensors").unlink()
    alone, gallery, more = listed(capsys, "--checkpoints", "checkpoints").split("styles in one")
    assert "gallery" not in {line.split()[0] for line in alone.splitlines() if line.strip()}
    assert {"kiss", "gallery:irises"} <= {line.split()[0] for line in gallery.splitlines()[2:4]}
    assert {"sea", "more:kiss"} <= {line.split()[0] for line in more.splitlines()[2:4]}
    assert "Any painting in one pass" not in more


def test_the_any_painting_net_is_no_style(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_any(bare / "nets")
    output = listed(capsys, "--checkpoints", "nets")
    assert "none in nets" in output
    assert "Any painting in one pass, too (nets)" in output
    assert not [line for line in output.splitlines() if line.split()[:1] == ["any"]]


def test_a_many_file_that_is_damaged_is_said_to_be(
    bare: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = write_many(bare / "nets" / "gallery.safetensors")
    whole.write_bytes(whole.read_bytes()[:-100])
    lines = listed(capsys, "--checkpoints", "nets").splitlines()
    assert [line for line in lines if line.split()[:1] == ["gallery"] and "damaged" in line]
