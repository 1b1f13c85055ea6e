"""``fst reptile``: from folders to a net that a training can begin with."""

import argparse
from pathlib import Path

import pytest
import torch
from support import make_photo
from tiny_any import save_any
from tiny_runs import save_style

from fst.errors import InputError
from fst.interfaces.arguments.reptile import parser
from fst.interfaces.commands import reptile
from fst.research.reptile import ReptileSettings
from fst.styles.trained import load_checkpoint
from fst.training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def options(
    tmp_path: Path, photo_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> argparse.Namespace:
    """Two rounds of two steps, from a tiny net."""
    monkeypatch.chdir(tmp_path)
    save_style(tmp_path / "tiny.safetensors", 0)
    (tmp_path / "paintings").mkdir()
    for number in range(2):
        make_photo(90, 90, 50 + number).save(tmp_path / f"paintings/{number}.png")
    words = ["--output", "base.safetensors", "--init", "tiny.safetensors", "--photos",
             str(photo_folder), "--paintings", "paintings", "--rounds", "2", "--steps", "2",
             "--size", "16", "--style-size", "64", "--weights", "random", "--precision", "fp32",
             "--device", "cpu"]  # fmt: skip
    return parser().parse_args(words)


def test_it_writes_a_net_to_begin_with_that_is_told_of(
    options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reptile.main(options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines if "->" in line] == ["1/2", "2/2"]
    assert "init=base.safetensors" in lines[-1]
    before, after = (load_checkpoint(Path(f"{n}.safetensors")) for n in ("tiny", "base"))
    assert after.description["net"] == before.description["net"]
    assert any(
        not torch.equal(weight, before.net.state_dict()[name])
        for name, weight in after.net.state_dict().items()
    )
    told = after.description["training"]["method"]
    for fact in ("Reptile", "2 rounds", "2 steps", "2 paintings"):
        assert fact in told
    assert "loss" not in after.description  # it was trained for no painting of its own


def test_a_finished_run_is_not_run_again(
    options: argparse.Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    reptile.main(options)
    first = load_checkpoint(options.output).digest
    options.output.unlink()
    capsys.readouterr()
    reptile.main(options)
    assert "2 of 2 rounds are done" in capsys.readouterr().out
    assert load_checkpoint(options.output).digest == first


def test_the_state_of_another_program_is_refused_before_any_work(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    options.state.write_text("mine")
    monkeypatch.setattr(reptile, "PerceptualLoss", None)
    with pytest.raises(InputError, match=r"reptile\.pt"):
        reptile.main(options)
    assert options.state.read_text() == "mine"


def test_a_net_of_many_styles_is_no_beginning(options: argparse.Namespace) -> None:
    options.init = str(save_any(Path("elsewhere")))
    with pytest.raises(InputError, match=r"--init .*many styles"):
        reptile.main(options)
    assert not options.state.exists()


def test_the_command_lines_defaults_are_the_settings() -> None:
    given = parser().parse_args(["--output", "base.safetensors"])
    found = reptile.settings_of(given)
    assert found == ReptileSettings(recipe=Recipe(warmup_steps=12))
