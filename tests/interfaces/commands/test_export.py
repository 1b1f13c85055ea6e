"""``fst export`` and ``fst.load(…).export``: files, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from exports import small_proof, tiny_style

import fst
from fst.choices import MARGIN
from fst.errors import InputError
from fst.inference.export.exported import ExportedNet
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_prove
from fst.inference.export.targets import TARGETS
from fst.interfaces import cli
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offline: None) -> Path:
    monkeypatch.chdir(tmp_path)
    arguments = {"width": 4, "residual_blocks": 2, "upsampling": "bilinear"}
    net = make_net("johnson", arguments)
    net.load_state_dict(tiny_style().net().net.state_dict())
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": "tiny"}}
    save_checkpoint(tmp_path / "tiny.safetensors", TrainedStyle(net, about))
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a graph, whose making takes seconds, the weights; and it runs the net itself."""
    kept: list[ExportedNet] = []

    def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
        kept[:] = [exported]
        torch.save(exported.state_dict(), folder / f"{options.name}.pt2")
        return folder / f"{options.name}.pt2"

    target = replace(TARGETS["pt2"], write=write, runner=lambda path: kept[0])
    monkeypatch.setitem(TARGETS, "pt2", target)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end, small_proof():
        cli.main(["export", *words])
    return int(end.value.code or 0), *capsys.readouterr()


def test_a_file_and_a_line_for_every_size(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("tiny.safetensors", "--to", "pt2", "--margin", "4")
    status, output, errors = run(capsys, *words)
    assert (status, errors) == (0, "")
    first, *sizes = output.splitlines()
    assert first.startswith("wrote exported/tiny.pt2 (")
    assert [line.split(":")[0].strip() for line in sizes] == [
        "64x64", "80x64", "96x72", "2 of 71x50",
    ]  # fmt: skip
    assert all("0.000 of 255" in line for line in sizes)
    module = torch.export.load(here / "exported" / "tiny.pt2").module()
    photos = photos_to_prove(1, 50, 41)
    painted = fst.load("tiny.safetensors", precision="fp32", backend="eager", margin=4)(photos)
    torch.testing.assert_close(module(photos), painted, rtol=0, atol=2e-5)


def test_what_is_there_is_replaced_if_it_is_said(
    here: Path, quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "exported").mkdir()
    (here / "exported" / "tiny.pt2").write_text("mine")
    words = ("tiny.safetensors", "--to", "pt2")
    status, _, errors = run(capsys, *words)
    assert status == 1
    assert "exported/tiny.pt2 is there already" in errors
    assert (here / "exported" / "tiny.pt2").read_text() == "mine"
    assert run(capsys, *words, "--overwrite")[0] == 0
    assert torch.load(here / "exported" / "tiny.pt2", weights_only=True)


@pytest.mark.parametrize("margin", [MARGIN, 8])
def test_the_margin_is_the_styles_own(
    here: Path, quick: None, capsys: pytest.CaptureFixture[str], margin: int
) -> None:
    found = load_checkpoint(here / "tiny.safetensors")
    about = dict(found.description)
    if margin != MARGIN:
        about["style"] = {**about["style"], "margin": margin}
    save_checkpoint(here / "tiny.safetensors", TrainedStyle(found.net, about))
    assert run(capsys, "tiny.safetensors", "--to", "pt2")[0] == 0
    assert TARGETS["pt2"].runner(here).margin == margin  # type: ignore[attr-defined]
    with small_proof():
        fst.load("tiny.safetensors").export("pt2", "files")
    assert TARGETS["pt2"].runner(here).margin == margin  # type: ignore[attr-defined]


def test_from_python_in_whatever_mode(here: Path) -> None:
    style = fst.load("tiny.safetensors")
    with small_proof(), torch.no_grad():
        (path,) = style.export("pt2", "files", uint8=True)
    assert path == Path("files/tiny.pt2")
    made = torch.export.load(path).module()(torch.zeros(1, 30, 40, 3, dtype=torch.uint8))
    assert made.shape == (1, 30, 40, 3)
    with pytest.raises(InputError, match=r"no option 'unit8'.*uint8"):
        style.export("pt2", "files", unit8=True)
    with pytest.raises(InputError, match="there already"):
        style.export("pt2", "files")
    with pytest.raises(InputError, match="to must be"):
        style.export("tensorflow", "files")


def test_a_blend_is_a_net_as_any(
    here: Path, quick: None, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "other.safetensors").write_bytes((here / "tiny.safetensors").read_bytes())
    blend = "tiny.safetensors=0.5,other.safetensors=0.5"
    status, _, errors = run(capsys, blend, "--to", "pt2", "--output", "out")
    assert (status, errors) == (0, "")
    assert [path.suffix for path in (here / "out").iterdir()] == [".pt2"]
