"""scripts/compare.py as a user runs it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import Run, make_photo

import fst.interfaces.commands.compare
from fst.evaluation.report_folder import begin_report
from fst.losses.perceptual import PerceptualLoss
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint


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


def compared(run: Run, style: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["--style", style, "--weights", "random", "--size", "32", "--iterations", "1"]
    return run("compare.py", *command, *words)


def photos_in(report: Path) -> list[str]:
    return [entry["name"] for entry in json.loads((report / "report.json").read_text())["photos"]]


def test_a_broken_photo_is_named_and_left_out(run_inside: Run, style: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for name in ("a.png", "z.png"):
        make_photo(seed=ord(name[0])).save(tmp_path / "photos" / name)
    (tmp_path / "photos" / "m.jpg").write_bytes(b"no picture")
    Image.new("RGB", (400, 16)).save(tmp_path / "photos" / "thin.png")
    result = compared(run_inside, style, "--photos", "photos", "--output", "report")
    assert result.returncode == 1
    lines = result.stderr.splitlines()
    assert [name for name in ("m.jpg", "thin.png") if name in lines[0]] == ["m.jpg"]
    assert [name for name in ("m.jpg", "thin.png") if name in lines[1]] == ["thin.png"]
    assert "left out 2 of 4" in lines[2]
    assert all(line.startswith("error: ") for line in lines)
    assert photos_in(tmp_path / "report") == ["a.png", "z.png"]
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert [photo["name"] for photo in report["left_out"]] == ["m.jpg", "thin.png"]
    page = (tmp_path / "report" / "index.html").read_text()
    assert "m.jpg" in page
    for photo in ("m.jpg", "thin.png"):
        result = compared(run_inside, style, "--photos", f"photos/{photo}", "--output", "none")
        assert (result.returncode, result.stderr.count("\n")) == (1, 1)
        assert photo in result.stderr
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(("margin", "told"), [(None, False), (8, True)])
def test_another_margin_than_the_styles_own_is_told(
    margin: int | None, told: bool, run_inside: Run, style: str, photo_folder: Path, tmp_path: Path
) -> None:
    if margin is not None:
        trained = load_checkpoint(tmp_path / style)
        trained.description["style"]["margin"] = margin
        save_checkpoint(tmp_path / style, trained)
    words = ["--photos", str(photo_folder), "--limit", "1"]
    result = compared(run_inside, style, *words, "--output", "bare")
    assert result.returncode == 0, result.stderr
    assert ("--margin 8" in result.stdout) == told
    words += ["--margin", "8", "--output", "painted"]
    result = compared(run_inside, style, *words)
    assert result.returncode == 0, result.stderr
    assert "with a margin" not in result.stdout
    report = json.loads((tmp_path / "painted/report.json").read_text())
    assert report["settings"]["margin"] == 8


def test_photos_are_files_folders_and_names(
    run_inside: Run, style: str, photo_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "assets" / "photos" / "eval").mkdir(parents=True)
    make_photo(seed=5).save(tmp_path / "assets" / "photos" / "eval" / "seen.png")
    words = ["photos/photo_03.jpg", "photos/photo_01.jpg", "eval"]
    command = ["--photos", *words, "--output", "report"]
    result = run_inside(
        "compare.py", "--style", style, "--weights", "random", "--size", "32", "--iterations", "1",
        *command, FST_ASSETS=str(tmp_path / "assets"),
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert photos_in(tmp_path / "report") == ["photo_03.jpg", "photo_01.jpg", "seen.png"]


def test_a_reports_pictures_are_no_photos(run_inside: Run, style: str, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    make_photo(seed=1).save(tmp_path / "photos" / "a.png")
    for output in ("photos/report", "photos/report", "other"):
        result = compared(run_inside, style, "--photos", "photos", "--output", output)
        assert result.returncode == 0, result.stderr
        assert photos_in(tmp_path / output) == ["a.png"]
    result = compared(run_inside, style, "--photos", "photos/report", "--output", "third")
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert not (tmp_path / "third").exists()


@pytest.mark.parametrize("output", ["photos", ".", "file", "photos/report/pictures", "reports"])
def test_what_is_no_reports_folder_is_left_alone(
    run_inside: Run, style: str, tmp_path: Path, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any work: neither a style nor a photo is read."""
    begin_report(tmp_path / "photos" / "report")
    make_photo().save(tmp_path / "photos" / "report" / "pictures" / "a_fast.png")
    make_photo().save(tmp_path / "photos" / "index.html", "PNG")
    (tmp_path / "file").write_text("mine")
    begin_report(tmp_path / "reports" / "monet")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    def work(*_: object) -> None:
        raise AssertionError("work")

    monkeypatch.setattr(fst.interfaces.commands.compare, "find_style", work)
    monkeypatch.setattr(fst.interfaces.commands.compare, "find_photos", work)
    result = compared(run_inside, style, "--photos", "photos", "--output", output)
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert output in result.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


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
