"""scripts/stylize.py in the style of any painting: what it does, and what it says."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import Run, make_photo, shaken_net
from tiny_any import save_any

from fst.image.record import read_record
from fst.styles.trained import TrainedStyle, save_checkpoint


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a photo, two paintings, a trained style and a tiny any-painting net."""
    make_photo(40, 32).save(tmp_path / "photo.png")
    make_photo(80, 66, seed=1).save(tmp_path / "a.png")
    make_photo(80, 66, seed=2).save(tmp_path / "b.png")
    save_any(tmp_path / "checkpoints")
    net = {"name": "johnson", "arguments": {"width": 4, "residual_blocks": 2}}
    about = {"net": net, "style": {"name": "one", "image": "a.png"}}
    trained = TrainedStyle(shaken_net("nearest"), about)
    save_checkpoint(tmp_path / "checkpoints" / "one.safetensors", trained)
    (tmp_path / "none").mkdir()
    return tmp_path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_a_painting_is_painted_in_one_pass_and_it_is_said_what_would_be_better(
    run_inside: Run, place: Path
) -> None:
    result = run_inside("stylize.py", "photo.png", "--style", "a.png")
    assert result.returncode == 0, result.stderr
    said, wrote = result.stdout.splitlines()[-2:]  # before them a backend that is not fst's own
    for fact in ("a.png", "any-painting net", "strokes fit", "12", "fst train style=a.png",
                 "experiment=minute", "--method optimize"):  # fmt: skip
        assert fact in said
    assert "photo-a.png" in wrote
    record = read_record(place / "photo-a.png")
    assert record is not None
    assert record["styles"][0]["painting"]["name"] == "a.png"
    again = run_inside("stylize.py", "photo.png", "--style", "a.png")
    assert again.returncode == 0
    assert "already" in again.stdout
    assert "any-painting net" not in again.stdout
    make_photo(40, 32, seed=9).save(place / "other.png")
    another = run_inside(
        "stylize.py", "other.png", "photo.png", "--style", "a.png", "--output", "."
    )
    assert "a.png is painted by the any-painting net" in another.stdout
    assert "already" in another.stdout
    other = run_inside("stylize.py", "photo.png", "--style", "a.png", "--stroke-size", "300")
    assert other.returncode == 1
    assert "style_size 'fits', now 300" in other.stderr


def test_stroke_size_has_two_names_and_style_weight_is_asked(run_inside: Run, place: Path) -> None:
    for option, name in (("--stroke-size", "x.png"), ("--style-size", "y.png")):
        words = ["--style", "a.png", option, "300", "--style-weight", "20", "--output", name]
        result = run_inside("stylize.py", "photo.png", *words)
        assert result.returncode == 0, result.stderr
        assert "stroke size 300" in result.stdout
        assert "weight 20" in result.stdout
    np.testing.assert_array_equal(pixels(place / "x.png"), pixels(place / "y.png"))
    run_inside("stylize.py", "photo.png", "--style", "a.png", "--output", "z.png")
    assert np.abs(pixels(place / "z.png") - pixels(place / "x.png")).max() > 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--iterations", "1", "--weights", "slim"], ["--iterations and --weights", "at once"]),
        (["--method", "optimize", "--iterations", "1", "--weights", "slim"], []),
        (["--checkpoints", "none", "--iterations", "1", "--weights", "slim"], ["no checkpoint"]),
    ],
)
def test_the_pixels_are_optimized_where_an_option_or_the_method_says_so(
    run_inside: Run, place: Path, words: list[str], said: list[str]
) -> None:
    words = [*words, "--style-size", "64"]
    result = run_inside("stylize.py", "photo.png", "--style", "a.png", *words)
    assert result.returncode == 0, result.stderr
    assert all(fact in result.stdout for fact in said)
    assert "any-painting net" not in result.stdout
    record = read_record(place / "photo-a.png")
    assert record is not None
    assert record["styles"][0]["method"] == "optimize"


def test_blends_of_paintings_in_either_spelling(run_inside: Run, place: Path) -> None:
    result = run_inside("stylize.py", "photo.png", "--blend", "a.png=0.6,b.png=0.4")
    assert result.returncode == 0, result.stderr
    assert "a.png=0.6,b.png=0.4" in result.stdout
    shares = ["--style", "a.png=0.6", "--style", "b.png=0.4", "--output", "same.png"]
    assert run_inside("stylize.py", "photo.png", *shares).returncode == 0
    np.testing.assert_array_equal(pixels(place / "photo-a-b.png"), pixels(place / "same.png"))


def test_two_paintings_with_masks(run_inside: Run, place: Path) -> None:
    for name, box in (("left.png", (0, 0, 20, 32)), ("right.png", (20, 0, 40, 32))):
        mask = Image.new("L", (40, 32))
        mask.paste(255, box)
        mask.save(place / name)
    masked = ["--style", "a.png", "--mask", "left.png", "--style", "b.png", "--mask", "right.png"]
    result = run_inside("stylize.py", "photo.png", *masked, "--feather", "0")
    assert result.returncode == 0, result.stderr
    both = pixels(place / "photo-a-b.png")
    for name, columns in (("a", slice(0, 20)), ("b", slice(20, 40))):
        run_inside("stylize.py", "photo.png", "--style", f"{name}.png")
        np.testing.assert_array_equal(
            both[:, columns], pixels(place / f"photo-{name}.png")[:, columns]
        )


def test_a_painting_that_is_read_is_never_replaced(run_inside: Run, place: Path) -> None:
    before = (place / "a.png").read_bytes()
    for style in (["--style", "a.png"], ["--blend", "a.png=0.5,b.png=0.5"]):
        result = run_inside("stylize.py", "photo.png", *style, "--output", "a.png", "--overwrite")
        assert result.returncode == 1
        assert "a.png" in result.stderr
    assert (place / "a.png").read_bytes() == before


def test_a_trained_style_of_the_paintings_name_is_told(run_inside: Run, place: Path) -> None:
    (place / "a.png").rename(place / "one.png")
    result = run_inside("stylize.py", "photo.png", "--style", "one.png")
    assert result.returncode == 0, result.stderr
    assert "warning: one.png is a painting" in result.stderr
    assert "--style one" in result.stderr


@pytest.mark.parametrize(
    ("words", "facts"),
    [
        (["--style", "any"], ["any", "give a painting"]),
        (["--style", "checkpoints/any.safetensors"], ["any.safetensors", "give a painting"]),
        (["--style", "one", "--stroke-size", "100"], ["--stroke-size", "256", "512", "100"]),
        (["--style", "one", "--stroke-size", "300", "--refine", "1"], ["--stroke-size", "one"]),
        (["--style", "one", "--style-weight", "9"], ["--style-weight", "painting's file", "one"]),
        (["--style", "a.png", "--stroke-size", "100"], ["128", "256", "100"]),
        (["--style", "a.png", "--stroke-size", "200", "--refine", "1"], ["256", "768", "optimize"]),
        (["--style", "a.png", "--style-weight", "90"], ["2", "40", "--method optimize"]),
        (["--style", "flat.png"], ["flat.png", "one color"]),
        (["--style", "photo.txt.png"], ["photo.txt.png"]),
        (["--blend", "a.png=0.5,flat.png=0.5"], ["flat.png", "one color"]),
        (["--blend", "a.png=0.5,one=0.5"], ["can't be blended"]),
        (["--blend", "a.png=0.5,one=0.5", "--method", "optimize"], ["one"]),
        (
            ["--blend", "a.png=0.5,b.png=0.5", "--method", "feedforward", "--iterations", "5"],
            ["iterations", "one pass"],
        ),
        (["--style", "a.png=0.5"], ["two styles"]),
        (["--style", "a.png=0.5", "--style", "b.png"], ["--mask"]),
        (["--style", "a.png", "--method", "feedforward", "--iterations", "5"], ["iterations"]),
        (["--style", "a.png", "--method", "feedforward", "--checkpoints", "none"], ["a.png"]),
    ],
)
def test_mistakes_are_one_line(
    run_inside: Run, place: Path, words: list[str], facts: list[str]
) -> None:
    Image.new("RGB", (40, 40), "red").save(place / "flat.png")
    (place / "photo.txt.png").write_text("no picture")
    result = run_inside("stylize.py", "photo.png", *words, "--output", "out.png")
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert all(fact in line for fact in facts)
    assert not (place / "out.png").exists()


def test_compare_and_refine_take_a_painting(run_inside: Run, place: Path) -> None:
    (place / "photos").mkdir()
    make_photo(40, 32).save(place / "photos" / "p.png")
    words = ["--style", "a.png", "--photos", "photos", "--weights", "slim", "--size", "32"]
    result = run_inside("compare.py", *words, "--iterations", "1", "--limit", "1")
    assert result.returncode == 0, result.stderr
    assert (place / "report" / "report.json").is_file()
    refine = ["--style", "a.png", "--refine", "1", "--weights", "slim"]
    result = run_inside("stylize.py", "photo.png", *refine)
    assert result.returncode == 0, result.stderr
    record = read_record(place / "photo-a.png")
    assert record is not None
    assert record["styles"][0]["method"] == "refine"
