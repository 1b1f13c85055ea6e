"""``fst judge``: the objective as one computes it oneself, and what can't be compared."""

import copy
import statistics
from pathlib import Path
from typing import Any

import pytest
import torch
from support import make_photo

from fst.errors import CheckpointError, InputError
from fst.image.io import load_image
from fst.interfaces.arguments.judge import parser
from fst.interfaces.commands.judge import main, objective_of
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.nets.layers import widen
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

NET = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 1}}
LAYERS = {"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 1.0}}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Path:
    """Two photos, a painting, and two styles of other weights of the loss."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for i in range(2):
        make_photo(36, 32, seed=i).save(tmp_path / "photos" / f"{i}.png")
    make_photo(32, 24, seed=9).save(tmp_path / "sea.png")
    painting = load_image(tmp_path / "sea.png").rgb
    (tmp_path / "checkpoints").mkdir()
    for name, weight in (("one", 3.0), ("two", 5.0)):
        loss = PerceptualLoss(painting, weights="random", style_weight=weight, **LAYERS)
        about = {"net": NET, "style": {"name": name, "image": "sea.png", "size": 32}}
        torch.manual_seed(int(weight))
        trained = TrainedStyle(make_net(**NET), {**about, "loss": loss.describe()})
        save_checkpoint(tmp_path / "checkpoints" / f"{name}.safetensors", trained)
    return tmp_path


def judged(*words: str) -> int:
    given = ["--photos", "photos", "--size", "36", "--weights", "random", "--precision", "fp32"]
    return main(parser().parse_args([*words, *given, "--device", "cpu"]))


@pytest.mark.parametrize("margin", [0, 8])
def test_the_objective_is_that_of_the_nets_pictures(
    margin: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged("one", *(["--margin", str(margin)] if margin else [])) == 0
    net = load_checkpoint(place / "checkpoints" / "one.safetensors").net
    painting = load_image(place / "sea.png").rgb
    loss = PerceptualLoss(painting, weights="random", style_weight=3.0, **LAYERS)
    terms = []
    with torch.no_grad():
        for i in range(2):
            photo = load_image(place / "photos" / f"{i}.png").rgb
            wide, cut = widen(photo, margin, 4)
            painted = net(wide)[..., cut : cut + photo.shape[2], cut : cut + photo.shape[3]]
            terms.append(loss(painted, loss.content_targets(photo)))
    totals = [float(t.total) for t in terms]
    output = capsys.readouterr()
    (row,) = [line for line in output.out.splitlines() if " one " in line]
    shown = [float(cell) for cell in row.replace("│", " ").split() if "." in cell]
    means = [statistics.mean(float(getattr(t, n)) for t in terms) for n in ("content", "style")]
    expected = [statistics.mean(totals), min(totals), max(totals), *means]
    assert shown[:5] == pytest.approx(expected, abs=2e-4)
    assert "2 photos at 36 px" in output.out
    assert ("margin of 8 pixels" in " ".join(output.out.split())) == bool(margin)
    assert output.err == ""


@pytest.mark.usefixtures("place")
def test_objectives_that_differ_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert judged("one", "two") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning:")
    assert "one; two" in line


def test_a_sweep_is_judged_at_one_weight(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert judged("one", "two", "--style-weight", "4", "--tv-weight", "0") == 0
    output = capsys.readouterr()
    assert output.err == ""  # the same objective for both
    assert "style weight 4" in output.out
    loss = PerceptualLoss(load_image(place / "sea.png").rgb, weights="random", style_weight=4.0,
                          tv_weight=0.0, **LAYERS)  # fmt: skip
    for name in ("one", "two"):
        net, totals = load_checkpoint(place / "checkpoints" / f"{name}.safetensors").net, []
        for i in range(2):
            photo = load_image(place / "photos" / f"{i}.png").rgb
            with torch.no_grad():
                totals.append(float(loss(net(photo), loss.content_targets(photo)).total))
        (row,) = [line for line in output.out.splitlines() if f" {name} " in line]
        shown = [float(cell) for cell in row.replace("│", " ").split() if "." in cell]
        assert shown[0] == pytest.approx(statistics.mean(totals), abs=2e-4)
        assert shown[-1] == 0


@pytest.mark.usefixtures("place")
def test_a_style_that_vgg16_has_trained_is_judged_by_the_same_network(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = place / "checkpoints" / "one.safetensors"
    style = load_checkpoint(kept)
    description = copy.deepcopy(style.description)
    description["loss"]["loss_network"]["architecture"] = "vgg16"
    description["style"]["name"] = "sixteen"
    save_checkpoint(kept.with_name("sixteen.safetensors"), TrainedStyle(style.net, description))
    assert judged("one", "sixteen") == 0
    assert "judged by vgg19" in capsys.readouterr().out


def test_weights_that_judge_nothing_are_told() -> None:
    with pytest.raises(InputError, match="--style-weight"):
        judged("one", "--style-weight", "-1")
    with pytest.raises(InputError, match="0"):
        judged("one", "--style-weight", "0", "--content-weight", "0", "--tv-weight", "0")


@pytest.mark.usefixtures("place")
def test_a_painting_alone_has_no_net_to_judge() -> None:
    with pytest.raises(CheckpointError, match="sea"):
        judged("sea.png")


def test_two_files_of_one_style_are_told_apart(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "earlier.safetensors").write_bytes(
        (place / "checkpoints/one.safetensors").read_bytes()
    )
    assert judged("one", "earlier.safetensors") == 0
    output = capsys.readouterr().out
    assert " one " in output
    assert " earlier " in output


def test_objectives_agree_where_all_but_the_network_agrees() -> None:
    about: dict[str, Any] = {
        "style": {"name": "a", "image": "a.jpg", "size": 512},
        "loss": {"style_weight": 3.0, "loss_network": {"weights": "slim", "pooling": "max"}},
    }
    other = copy.deepcopy(about)
    other["loss"]["loss_network"]["weights"] = "caffe"
    other["style"]["name"] = "b"
    assert objective_of(other) == objective_of(about)
    for group, key, value in [("style", "size", 256), ("style", "image", "b.jpg"),
                              ("loss", "style_weight", 4.0)]:  # fmt: skip
        changed = copy.deepcopy(about)
        changed[group][key] = value
        assert objective_of(changed) != objective_of(about)
    changed = copy.deepcopy(about)
    changed["loss"]["loss_network"]["pooling"] = "avg"
    assert objective_of(changed) != objective_of(about)
    said = copy.deepcopy(about)
    said["loss"]["loss_network"]["padding"] = "zeros"  # earlier files don't say it
    assert objective_of(said) == objective_of(about)
    said["loss"]["loss_network"]["padding"] = "reflect"
    assert objective_of(said) != objective_of(about)


def test_a_photo_that_cannot_be_read_is_named_and_left_out(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert judged("one") == 0
    figures = [line for line in capsys.readouterr().out.splitlines() if " one " in line]
    (place / "photos" / "broken.jpg").write_bytes(b"no picture")
    assert judged("one") == 1
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert "broken.jpg" in line
    assert [line for line in output.out.splitlines() if " one " in line] == figures
