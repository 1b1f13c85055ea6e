"""scripts/reproduce.py and scripts/style_page.py, on a style of a few steps."""

import json
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image
from support import Run, make_photo

from fst.evaluation.compare import SCHEMA
from fst.interfaces.commands.reproduce import precision_of, same_recipe
from fst.styles.reproduce import training_arguments
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint


@pytest.fixture
def trained(run_inside: Run, tmp_path: Path, photo_folder: Path) -> list[str]:
    """What to reproduce it with."""
    make_photo(64, 48, seed=50).save(tmp_path / "painting.png")
    result = run_inside(
        "train.py", "style=monet", "style.name=mine", "style.image=painting.png", "style.size=48",
        "data=folder", f"data.path={photo_folder}", "data.size=32", "data.batch_size=2",
        "data.val_photos=2", "net.arguments.width=4", "net.arguments.residual_blocks=1",
        "loss.weights=slim", "loss.slim_share=null", "style.style_weight=3",
        "trainer.device=cpu", "trainer.max_steps=12", "precision=fp32",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return ["mine", "--train-photos", str(photo_folder), "--weights", "slim", "--photos",
            str(photo_folder), "--size", "32"]  # fmt: skip


def test_the_same_recipe_comes_out_the_same(
    run_forked: Run, trained: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoints" / "mine.safetensors"
    first = load_checkpoint(path)
    first.description["recipe"]["precision"] = "bf16"  # as if: it has to be trained as asked
    del first.description["recipe"]["brightness_weight"]  # an earlier version knew none
    save_checkpoint(path, first)
    result = run_forked("reproduce.py", *trained, "--precision", "fp32")
    assert result.returncode == 0, result.stderr + result.stdout
    assert "(+0.0%)" in result.stdout
    assert " precision=fp32 " in result.stdout
    assert same_recipe(tmp_path / "reproduced" / "mine.safetensors", first, None)
    assert not same_recipe(tmp_path / "reproduced" / "mine.safetensors", first, 13)
    again = load_checkpoint(tmp_path / "reproduced" / "mine.safetensors")
    assert again.description["training"]["steps"] == 12
    assert again.description["loss"]["style_weight"] == first.description["loss"]["style_weight"]


@pytest.mark.parametrize(
    ("before", "asked", "fast", "expected"),
    [
        ("bf16", "auto", torch.float32, "fp32"),
        ("bf16", "auto", torch.bfloat16, None),
        ("fp32", "auto", torch.float32, None),
        ("fp32", "auto", torch.bfloat16, None),
        ("bf16", "bf16", torch.bfloat16, "bf16"),
        ("bf16", "fp32", torch.float32, "fp32"),
        ("fp32", "bf16", torch.bfloat16, "bf16"),
    ],
)
def test_it_is_trained_as_asked_or_as_before_unless_that_is_slow_here(
    before: str, asked: str, fast: torch.dtype, expected: str | None,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert precision_of({"recipe": {"precision": before}}, asked, fast) == expected
    told = capsys.readouterr().out
    assert ("--precision bf16" in told) == (asked == "auto" and expected == "fp32")


def test_another_result_is_a_failure(run_forked: Run, trained: list[str], tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "mine.safetensors"
    shipped = load_checkpoint(path)
    shipped.net.out.bias.data += 3.0  # type: ignore[operator, union-attr]
    save_checkpoint(path, TrainedStyle(shipped.net, shipped.description))
    result = run_forked("reproduce.py", *trained)
    assert result.returncode == 1
    assert "that is not within 3%" in result.stderr


def test_a_style_that_is_not_there_is_named(run_inside: Run) -> None:
    for script in ("reproduce.py", "style_page.py"):
        result = run_inside(script, "nobody")
        assert result.returncode == 1
        assert "nobody" in result.stderr
        assert result.stderr.count("\n") == 1


def test_a_mean_of_nets_has_no_recipe_and_no_judge(run_inside: Run, photo_folder: Path) -> None:
    for command in (
        ["reproduce.py", "base"],
        ["style_page.py", "base"],
        ["compare.py", "--style", "base", "--photos", str(photo_folder)],
        ["compare.py", "--style", "monet=0.5,poppies=0.5", "--photos", str(photo_folder)],
    ):
        result = run_inside(*command)
        assert result.returncode == 1, command
        assert result.stderr.count("\n") == 1, result.stderr


def test_the_page_shows_pictures_figures_and_the_command(
    run_inside: Run, trained: list[str], photo_folder: Path, tmp_path: Path
) -> None:
    spread = {"median": 21.25, "min": 10.0, "max": 30.0}
    description = load_checkpoint(tmp_path / "checkpoints" / "mine.safetensors").description
    report = {
        "schema": SCHEMA,
        "training": description["training"],
        "style": {"name": "mine"},
        "photos": [{}] * 24,
        "settings": {"size": 256},
        "equivalent_iterations": {"photo": spread, "noise": spread},
        "objective": {"fast": spread, "photo": spread},
        "speedup": {"equal_objective": 123.4},
        "artifacts": {name: spread for name in ("border", "checkerboard", "dots", "flat")},
    }
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_text(json.dumps(report))
    arguments = ["mine", "--photos", str(photo_folder), "--size", "64", "--output", "pages"]
    result = run_inside("style_page.py", *arguments, "--reports", "report", "--notes", "Mind it.")
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "pages" / "mine.md").read_text()
    assert "| equivalent iterations from noise | **21.2** (10.0 to 30.0) |" in page
    assert "24 photos at 256 px" in page
    assert "123 times" in page
    command = ["fst", "train", *training_arguments(description), "overwrite=true"]
    assert shlex.join(command) in page
    assert "the net's bare output" in page
    assert "Mind it." in page
    assert "Of these pictures" not in page  # too small to be measured
    with Image.open(tmp_path / "pages" / "mine.jpg") as sheet:
        assert sheet.width == 2 * 64 + 8
    (tmp_path / "report" / "report.json").write_text(json.dumps(report | {"artifacts": {}}))
    result = run_inside("style_page.py", *arguments, "--reports", "report", "--size", "160")
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "pages" / "mine.md").read_text()
    assert "1: none is lost" not in page
    assert "Of these pictures, painted with a margin of 20 pixels: border energy **" in page
    (tmp_path / "report" / "report.json").write_text(json.dumps(report | {"schema": 1}))
    result = run_inside("style_page.py", *arguments, "--reports", "report")
    assert (result.returncode, "compare again" in result.stderr) == (1, True)
    (tmp_path / "report" / "report.json").write_text(
        json.dumps(report | {"training": description["training"] | {"steps": 13}})
    )
    result = run_inside("style_page.py", *arguments, "--reports", "report")
    assert (result.returncode, "another training of mine" in result.stderr) == (1, True)
    report["style"]["name"] = "another"
    (tmp_path / "report" / "report.json").write_text(json.dumps(report))
    result = run_inside("style_page.py", *arguments, "--reports", "report")
    assert (result.returncode, "another, not mine" in result.stderr) == (1, True)
    result = run_inside("style_page.py", *arguments, "--reports", "nowhere")
    assert (result.returncode, "no report" in result.stderr) == (1, True)
