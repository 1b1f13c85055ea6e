"""scripts/stylize.py as a user runs it."""

from pathlib import Path

import pytest
from PIL import Image
from support import ROOT, Run, make_photo

from fst.nets import make_net
from fst.styles.trained import TrainedStyle, save_checkpoint

UNTRAINED = ("--style", "the_scream", "--checkpoints", "nowhere")
"""A style without a net, whatever is shipped."""


@pytest.fixture
def style(tmp_path: Path) -> str:
    """The name of a tiny trained style in ``checkpoints/``."""
    arguments = {"width": 4, "residual_blocks": 1}
    about = {"net": {"name": "johnson", "arguments": arguments}, "style": {"name": "tiny"}}
    (tmp_path / "checkpoints").mkdir()
    trained = TrainedStyle(make_net("johnson", arguments), about)
    save_checkpoint(tmp_path / "checkpoints" / "tiny.safetensors", trained)
    return "tiny"


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        return image.size


def test_a_photo_is_painted_beside_itself(run: Run, style: str, tmp_path: Path) -> None:
    make_photo(50, 37).save(tmp_path / "cat.jpg")
    result = run("stylize.py", "cat.jpg", "--style", style)
    assert result.returncode == 0, result.stderr
    assert size(tmp_path / "cat-tiny.jpg") == (50, 37)


def test_a_folder_is_painted_and_a_broken_photo_reported(
    run_inside: Run, style: str, photo_folder: Path, tmp_path: Path
) -> None:
    (photo_folder / "broken.jpg").write_bytes(b"no photo")
    result = run_inside("stylize.py", "photos", "--style", style, "--output", "out")
    assert result.returncode == 1
    assert "broken.jpg" in result.stderr
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 12
    assert "wrote 12 of 13" in result.stdout


def test_without_a_checkpoint_it_says_so_and_optimizes(
    run_inside: Run, assets_folder: Path, tmp_path: Path
) -> None:
    make_photo(40, 32).save(tmp_path / "cat.png")
    arguments = [
        "cat.png",
        "--style",
        "the_scream",
        "--iterations",
        "3",
        "--style-size",
        "64",
        "--checkpoints",
        ".",
    ]
    arguments += ["--save-every", "2", "--checkpoints", "nowhere"]
    result = run_inside("stylize.py", *arguments, FST_ASSETS=str(assets_folder))
    assert result.returncode == 0, result.stderr
    assert "no checkpoint for 'the_scream': optimizing" in result.stdout
    assert "iteration 0/3, objective" in result.stdout
    assert "iteration 3/3, objective" in result.stdout
    assert size(tmp_path / "cat-the_scream.png") == (40, 32)
    assert size(tmp_path / "cat-the_scream_00002.png") == (40, 32)


def test_an_option_that_does_nothing_is_said(run_inside: Run, style: str, tmp_path: Path) -> None:
    make_photo().save(tmp_path / "cat.png")
    result = run_inside("stylize.py", "cat.png", "--style", style, "--feather", "0.1")
    assert result.returncode == 0
    assert result.stderr == "warning: without a --mask there is nothing to --feather\n"


@pytest.mark.parametrize("quality", ["0", "300", "best"])
def test_a_quality_that_there_is_not_is_refused(
    run_inside: Run, style: str, tmp_path: Path, quality: str
) -> None:
    make_photo().save(tmp_path / "cat.png")
    result = run_inside("stylize.py", "cat.png", "--style", style, "--quality", quality)
    assert result.returncode == 2
    assert "--quality" in result.stderr.splitlines()[-1]
    assert "2, 3, 4" not in result.stderr  # not all hundred of them


def test_the_shipped_monet_paints(run_inside: Run, tmp_path: Path) -> None:
    make_photo(64, 50).save(tmp_path / "cat.png")
    shipped = str(ROOT / "checkpoints" / "monet.safetensors")
    result = run_inside("stylize.py", "cat.png", "--style", shipped, "--output", "new/cat.webp")
    assert result.returncode == 0, result.stderr
    assert size(tmp_path / "new" / "cat.webp") == (64, 50)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cat.png", "--style", "vermeer"], "tiny"),
        (["cat.png", "--style", "old.pth"], "pickle"),
        (["cat.png", "--style", "none.safetensors"], "no checkpoint"),
        (["nowhere.jpg", "--style", "tiny"], "nowhere.jpg"),
        (["empty", "--style", "tiny", "--output", "out"], "no photos"),
        (["cat.png", *UNTRAINED, "--method", "feedforward"], "train"),
        (["cat.png", "--style", "cat.png", "--method", "feedforward"], "is a painting"),
        (["cat.png", "whole.jpg", "--style", "tiny", "--output", "both.jpg"], "name a folder"),
        (["cat.png", *UNTRAINED], "FST_ASSETS"),
        (["cat.png", "--style", "tiny", "--output", "cat.png"], "replaced"),
        (["cat.png", "--style", "tiny", "--device", "abacus"], "abacus"),
        (["dot.png", "--style", "tiny"], "too small"),
        (["text.jpg", "--style", "tiny"], "not a picture"),
        (["void.jpg", "--style", "tiny"], "empty"),
        (["cut.jpg", "--style", "tiny"], "decoded"),
        (["cat.png", "--style", "tiny", "--max-pixels", "100"], "--max-pixels"),
        (["cat.png", "--style", "tiny", "--method", "optimize"], "FST_ASSETS"),
        (
            ["cat.png", "--style", "the_scream", "--method", "feedforward", "--checkpoints", "."],
            "train",
        ),
        (["cat.png", "--style", "the_scream", "--checkpoints", "."], "FST_ASSETS"),
        (["cat.png", "--style", "cat.png", "--style-weight", "nan", "--weights", "random"], "nan"),
    ],
)
def test_a_mistake_ends_in_a_clear_line(
    run_inside: Run, style: str, tmp_path: Path, arguments: list[str], says: str
) -> None:
    make_photo().save(tmp_path / "cat.png")
    make_photo().save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:300])
    make_photo(1, 1).save(tmp_path / "dot.png")
    (tmp_path / "text.jpg").write_text("hello")
    for name in ("void.jpg", "old.pth", "file"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    result = run_inside("stylize.py", *arguments)
    assert result.returncode == 1
    assert says in result.stderr
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert not list(tmp_path.glob("cat-*"))
