"""scripts/stylize.py as a user runs it."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import ROOT, Run, make_photo

from fst.inference import masks
from fst.interfaces.commands import stylize
from fst.nets import make_net
from fst.styles import catalog
from fst.styles.trained import TrainedStyle, save_checkpoint

UNTRAINED = ("--style", "the_scream", "--checkpoints", "empty")
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


def test_a_pass_imports_nothing_that_takes_seconds(run: Run, style: str, tmp_path: Path) -> None:
    make_photo(50, 37).save(tmp_path / "cat.jpg")
    Image.new("L", (50, 37), 200).save(tmp_path / "mask.png")
    arguments = ("cat.jpg", "--style", style, "--backend", "eager", "--mask", "mask.png")
    result = run("stylize.py", *arguments, PYTHONPROFILEIMPORTTIME="1")
    assert result.returncode == 0, result.stderr
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "torch" in imported
    assert not imported & {"torchvision", "datasets", "pandas", "sympy", "scipy", "torch._dynamo"}


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
    arguments += ["--save-every", "2"]
    result = run_inside("stylize.py", *arguments, FST_ASSETS=str(assets_folder))
    assert result.returncode == 0, result.stderr
    assert "no checkpoint for 'the_scream': optimizing" in result.stdout
    assert "iteration 0/3, objective" in result.stdout
    assert "iteration 3/3, objective" in result.stdout
    assert size(tmp_path / "cat-the_scream.png") == (40, 32)
    assert size(tmp_path / "cat-the_scream.png.iterates" / "00002.png") == (40, 32)


def test_of_a_painting_whose_style_is_trained_it_says_so(
    run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo(40, 32).save(tmp_path / "cat.png")
    make_photo(64, 64, seed=1).save(tmp_path / f"{style}.jpg")
    words = ("--weights", "slim", "--iterations", "1", "--style-size", "64")
    result = run_inside("stylize.py", "cat.png", "--style", f"{style}.jpg", *words)
    assert result.returncode == 0, result.stderr
    assert f"trained style of that name, which paints at once: --style {style}" in result.stderr


def test_an_option_that_would_do_nothing_is_refused(
    run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "cat.png")
    result = run_inside("stylize.py", "cat.png", "--style", style, "--feather", "0.1")
    assert result.returncode == 1
    assert result.stderr == "error: feather (--feather) is of no use without mask (--mask)\n"
    assert not (tmp_path / "cat-tiny.png").exists()


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
        (
            ["cat.png", "--style", "cat.png", "--method", "feedforward", "--checkpoints", "."],
            "is a painting",
        ),
        (["cat.png", "whole.jpg", "--style", "tiny", "--output", "both.jpg"], "name a folder"),
        (["cat.png", *UNTRAINED], "FST_ASSETS"),
        (["cat.png", "--style", "the_scream", "--checkpoints", "nowhere"], "nowhere"),
        (["cat.png", "--style", "tiny", "--checkpoints", "cat.png"], "no folder of checkpoints"),
        (["cat.png", "--style", "tiny", "--output", "cat.png"], "replaced"),
        (["cat.png", "--style", "tiny", "--device", "abacus"], "abacus"),
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
    (tmp_path / "text.jpg").write_text("hello")
    for name in ("void.jpg", "old.pth", "file"):
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    result = run_inside("stylize.py", *arguments)
    assert result.returncode == 1
    (line,) = [line for line in result.stderr.splitlines() if not line.startswith("warning: ")]
    assert line.startswith("error: ")
    assert says in line
    assert not list(tmp_path.glob("cat-*"))


def test_the_smallest_photo_comes_out_in_its_size(
    run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo(1, 1).save(tmp_path / "dot.png")
    make_photo(30, 7).save(tmp_path / "line.png")
    for name, expected in (("dot", (1, 1)), ("line", (30, 7))):
        for seamless in ([], ["--seamless", "--overwrite"]):
            result = run_inside("stylize.py", f"{name}.png", "--style", style, *seamless)
            assert result.returncode == 0, result.stderr
            assert size(tmp_path / f"{name}-tiny.png") == expected


def test_a_checkpoint_and_a_mask_are_read_once(
    run_inside: Run, style: str, photo_folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_photo(48, 40).save(tmp_path / "mask.png")
    reads: list[str] = []

    def watch(module: Any, name: str) -> None:
        function = getattr(module, name)

        def counted(path: Path, *others: Any) -> Any:
            reads.append(path.name)
            return function(path, *others)

        monkeypatch.setattr(module, name, counted)

    watch(catalog, "load_checkpoint")
    watch(masks, "load_image")
    path = f"checkpoints/{style}.safetensors"
    command = ["photos", "--style", path, "--mask", "mask.png", "--output", "out"]
    result = run_inside("stylize.py", *command)
    assert result.returncode == 0, result.stderr
    assert sorted(reads) == ["mask.png", "tiny.safetensors"]


# --- options and ways ----------------------------------------------------------------------------

ONLY_OPTIMIZED = [
    ["--preset", "course"], ["--iterations", "2"], ["--optimizer", "adam"],
    ["--learning-rate", "0.1"], ["--init", "noise"], ["--seed", "1"], ["--content-weight", "1"],
    ["--style-weight", "1"], ["--tv-weight", "1"], ["--pooling", "avg"],
    ["--weights", "random"], ["--save-every", "1"],
]  # fmt: skip
ONLY_PASSED = [["--margin", "8"], ["--backend", "eager"], ["--memory", "1GB"], ["--seamless"]]
NOT_REFINED = ("--preset", "--iterations", "--init", "--seed", "--content-weight", "--style-weight",
               "--tv-weight", "--pooling", "--seamless")  # fmt: skip


@pytest.mark.parametrize("option", [*ONLY_OPTIMIZED, *ONLY_PASSED], ids=lambda option: option[0])
@pytest.mark.parametrize("way", ["one pass", "blend", "refine", "optimize"])
def test_an_option_of_no_use_is_an_error_in_one_line(
    run_inside: Run, style: str, tmp_path: Path, way: str, option: list[str]
) -> None:
    make_photo().save(tmp_path / "cat.png")
    path = tmp_path / "checkpoints" / "tiny.safetensors"
    (tmp_path / "checkpoints" / "other.safetensors").write_bytes(path.read_bytes())
    chosen = {
        "one pass": ["--style", style],
        "blend": ["--blend", "tiny=0.5,other=0.5"],
        "refine": ["--style", style, "--refine", "1"],
        "optimize": ["--style", "cat.png", "--method", "optimize", "--iterations", "1"],
    }[way]
    result = run_inside("stylize.py", "cat.png", *chosen, *option)
    of_use = option in (ONLY_OPTIMIZED if way == "optimize" else ONLY_PASSED)
    if way == "refine":
        of_use = option[0] not in NOT_REFINED
    if of_use and (way in ("one pass", "blend") or (option[-1] == "random" and way == "optimize")):
        assert result.returncode == 0, result.stderr
        return
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1 + result.stderr.count("warning: ")
    if of_use:  # VGG-19 is not here, or the net was trained for no painting
        assert "is for" not in result.stderr
    else:
        assert option[0] in result.stderr


def test_an_option_is_of_use_to_one_of_two_styles(
    run_inside: Run, style: str, assets_folder: Path, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "cat.png")
    make_photo(48, 40).save(tmp_path / "mask.png")
    both = ["--style", style, "--mask", "mask.png", "--style", "cat.png", "--mask", "mask.png"]
    options = ["--iterations", "1", "--style-size", "256", "--weights", "slim", "--margin", "8"]
    result = run_inside("stylize.py", "cat.png", *both, *options)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "cat-tiny-cat.png").exists()


# --- what is there -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ([], "cat-tiny.png"),
        (["--output", "mine.jpg"], "mine.jpg"),
        (["--output", "out/"], "out/cat-tiny.png"),
        (["--output", "mask.png", "--mask", "mask.png"], "mask.png"),
        (["--output", "cat.png"], "cat.png"),
        (["--output", "./there/../cat.png"], "cat.png"),
    ],
)
def test_what_is_there_is_refused_before_the_work(
    run_inside: Run, style: str, tmp_path: Path, words: list[str], there: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_photo().save(tmp_path / "cat.png")
    for folder in ("out", "there"):
        (tmp_path / folder).mkdir()
    for name in ("cat-tiny.png", "mine.jpg", "out/cat-tiny.png", "mask.png"):
        make_photo(seed=7).save(tmp_path / name)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def work(*_: Any) -> None:
        raise AssertionError("the work has begun")

    for name in ("make_stylizers", "read_mask", "paint_all"):
        monkeypatch.setattr(stylize, name, work)
    result = run_inside("stylize.py", "cat.png", "--style", style, *words)
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert there in line
    assert ("--overwrite" in line) == (there not in ("mask.png", "cat.png"))
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_is_there_is_replaced_where_that_is_asked_for(
    run_inside: Run, style: str, tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "cat.png")
    (tmp_path / "cat-tiny.png").write_bytes(b"of somebody")
    result = run_inside("stylize.py", "cat.png", "--style", style, "--overwrite")
    assert result.returncode == 0, result.stderr
    assert size(tmp_path / "cat-tiny.png") == (48, 40)


def test_the_painting_is_not_replaced_by_what_it_is_the_style_of(
    run_inside: Run, tmp_path: Path
) -> None:
    for name in ("cat.png", "painting.jpg"):
        make_photo().save(tmp_path / name)
    before = (tmp_path / "painting.jpg").read_bytes()
    words = ["--style", "painting.jpg", "--output", "painting.jpg", "--overwrite"]
    result = run_inside("stylize.py", "cat.png", *words)
    assert result.returncode == 1
    assert "painting.jpg would be replaced" in result.stderr
    assert (tmp_path / "painting.jpg").read_bytes() == before


def test_a_folder_says_what_it_passes_over_and_what_it_cannot_read(
    run_inside: Run, style: str, photo_folder: Path, tmp_path: Path
) -> None:
    (photo_folder / "notes.txt").touch()
    (photo_folder / "lost.jpg").symlink_to("nowhere.jpg")
    (photo_folder / "photo_again.jpg").symlink_to("photo_00.jpg")
    result = run_inside("stylize.py", "photos", "--style", style, "--output", "photos")
    assert result.returncode == 1
    assert "error: photos/lost.jpg is a link that leads nowhere" in result.stderr
    assert "1 .txt" in result.stdout
    assert "photo_again.jpg is photos/photo_00.jpg again" in result.stdout
    assert len(list(photo_folder.glob("*-tiny.jpg"))) == 12
    (photo_folder / "lost.jpg").unlink()
    again = run_inside("stylize.py", "photos", "--style", style, "--output", "photos")
    assert again.returncode == 0, again.stderr
    assert len(list(photo_folder.glob("*-tiny*.jpg"))) == 12
