"""``fst embed`` around an agreement that takes no time: what it writes and prints."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from fst.errors import InputError
from fst.interfaces.arguments.embed import parser
from fst.interfaces.commands import embed
from fst.loss_networks.vgg import VGG19

FIGURES = {
    name: {"total": {"cosine": {"all": 0.5}, "correlation": 0.25, "relative_error": 0.125}}
    for name in ("slim", "undistilled")
}


def test_an_undistilled_network_measures_in_the_plain_metric(tmp_path: Path) -> None:
    embed.undistilled(tmp_path / "random.safetensors")
    network = VGG19(["relu2_1"], str(tmp_path / "random.safetensors"))
    assert network.architecture == "vgg19-slim"
    state = load_file(tmp_path / "random.safetensors")
    metric = state["metric.relu2_1"]
    assert torch.equal(metric, torch.eye(len(metric), dtype=metric.dtype))


def test_the_network_is_written_with_its_figures_and_its_checksum_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = tmp_path / "mine.safetensors"
    embed.undistilled(given)
    monkeypatch.setattr(embed, "measure_agreement", lambda options: FIGURES)
    words = [str(given), "--folder", str(tmp_path / "new"), "--limit", "3"]
    words += ["--report", str(tmp_path / "figures.json")]
    assert embed.main(parser().parse_args(words)) == 0
    (path,) = (tmp_path / "new").iterdir()
    assert hashlib.sha256(path.read_bytes()).hexdigest() in capsys.readouterr().out
    for words_again in (words, words[:-2]):  # neither the network nor the figures are replaced
        with pytest.raises(InputError, match="--overwrite"):
            embed.main(parser().parse_args(words_again))
    assert embed.main(parser().parse_args([*words, "--overwrite"])) == 0
    before, after = load_file(given), load_file(path)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["fst"])
    assert about["agreement"]["total"] == FIGURES["slim"]["total"]
    assert "3 photos" in about["agreement"]["on"]
    assert json.loads((tmp_path / "figures.json").read_text()) == FIGURES


def test_a_network_that_does_not_say_how_it_was_made_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "mine.safetensors")
    options = parser().parse_args([str(tmp_path / "mine.safetensors"), "--folder", str(tmp_path)])
    with pytest.raises(InputError, match=r"mine\.safetensors.*fst distill"):
        embed.main(options)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.safetensors"]
