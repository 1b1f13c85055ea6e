"""scripts/compare.py as a user runs it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import Run, make_photo

from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture
def style(tmp_path: Path, random_loss: PerceptualLoss) -> str:
    """A tiny trained style whose loss network has random weights."""
    arguments = {"width": 4, "residual_blocks": 1}
    make_photo(60, 44, seed=7).save(tmp_path / "painting.png")
    about = {
        "net": {"name": "johnson", "arguments": arguments},
        "style": {"name": "tiny", "image": "painting.png", "size": 48, "title": None},
        "loss": random_loss.describe(),
    }
    save_checkpoint(
        tmp_path / "tiny.safetensors", TrainedStyle(make_net("johnson", arguments), about)
    )
    return "tiny.safetensors"


def crossing(entry: dict[str, Any], start: str) -> float:
    """Where the best objective so far comes down to that of one pass, at most the last."""
    best = np.minimum.accumulate(entry["optimized"][start]["objectives"])
    places = np.arange(len(best))
    return float(np.interp(entry["fast"]["objective"], best[::-1], places[::-1]))


def test_it_writes_the_report_and_continues(
    run_inside: Run, style: str, photo_folder: Path, tmp_path: Path
) -> None:
    command = ["--style", style, "--photos", str(photo_folder), "--output", "report"]
    command += ["--weights", "random", "--size", "32", "--iterations", "4"]
    first = run_inside("compare.py", *command, "--limit", "1")
    assert first.returncode == 0, first.stderr
    (kept,) = (tmp_path / "report/photos").iterdir()
    before = kept.read_bytes()
    result = run_inside("compare.py", *command, "--limit", "2")
    assert result.returncode == 0, result.stderr
    assert "equivalent iterations, median" in result.stdout
    assert kept.read_bytes() == before
    report = json.loads((tmp_path / "report/report.json").read_text())
    assert [entry["name"] for entry in report["photos"]] == ["photo_00.jpg", "photo_01.jpg"]
    entries = report["photos"]
    for start in ("photo", "noise"):
        found = report["equivalent_iterations"][start]
        values = [crossing(entry, start) for entry in entries]
        assert found["median"] == pytest.approx(np.mean(values))  # of two
        assert (found["min"], found["max"]) == pytest.approx((min(values), max(values)))
    seconds = [entry["optimized"]["photo"]["seconds_per_iteration"] for entry in entries]
    ratios = np.array(seconds) / [entry["fast"]["seconds"] for entry in entries]
    assert report["speedup"]["at_500"] == pytest.approx(500 * np.mean(ratios))
    iterations = [crossing(entry, "photo") for entry in entries]
    assert report["speedup"]["equal_objective"] == pytest.approx(np.mean(iterations * ratios))
    page = (tmp_path / "report/index.html").read_text()
    for entry in report["photos"]:
        for picture in entry["pictures"].values():
            assert (tmp_path / "report" / picture).is_file()
            assert picture in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--photos", "empty"], "no photos"),
        (["--limit", "0"], "--limit"),
        (["--photos", "nowhere"], "nowhere"),
        (["--style", "vermeer"], "vermeer"),
        (["--size", "8"], "--size"),
        (["--iterations", "0"], "--iterations"),
        (["--output", "painting.png"], "painting.png"),
        (["--painting", "nowhere.png"], "FST_ASSETS"),
        (["--weights", "auto"], "download"),
    ],
)
def test_a_mistake_ends_in_one_clear_line(
    run_inside: Run, style: str, photo_folder: Path, tmp_path: Path, change: list[str], says: str
) -> None:
    (tmp_path / "empty").mkdir()
    command = ["--style", style, "--photos", str(photo_folder), "--weights", "random"]
    result = run_inside("compare.py", *command, *change)
    typed_wrong = says in ("--limit", "--size", "--iterations")  # known before any work
    assert result.returncode == (2 if typed_wrong else 1)
    assert says in result.stderr
    assert result.stderr.count("\n") == 1
