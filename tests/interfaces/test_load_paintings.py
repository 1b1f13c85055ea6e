"""Fst.load of a painting: a file, a PIL picture, an array or a tensor."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo
from tiny_any import move_to_any

import fst
from fst.errors import CheckpointError, FstWarning, InputError
from fst.image.picture import from_pil
from fst.interfaces.api import LoadedStyle

COMMON: dict[str, Any] = {"device": "cpu", "precision": "fp32", "checkpoints": "trained"}
PHOTO = make_photo(40, 32, seed=4)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with two paintings and a tiny any-painting net; and one without checkpoints."""
    move_to_any(tmp_path, monkeypatch)
    make_photo(60, 44, seed=1).save("a.png")
    make_photo(44, 60, seed=2).save("b.png")


def load(style: Any, **options: Any) -> LoadedStyle:
    return fst.load(style, **{**COMMON, **options})


def painted(style: Any, **options: Any) -> np.ndarray[Any, Any]:
    return np.asarray(load(style, **options)(PHOTO)).astype(int)


def test_a_painting_is_the_same_style_however_it_is_given() -> None:
    expected = painted("a.png")
    picture = Image.open("a.png")
    array = np.asarray(picture)
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    for given in (Path("a.png"), picture, array, tensor, from_pil(picture).rgb, array / 255):
        np.testing.assert_array_equal(painted(given), expected)
    assert np.abs(painted("b.png") - expected).max() > 10


def test_gray_and_partly_transparent_pictures_are_paintings_too() -> None:
    gray = make_photo(60, 44, seed=1).convert("L")
    np.testing.assert_array_equal(painted(np.asarray(gray)), painted(gray))
    wide = Image.new("RGBA", (100, 80))
    wide.paste(make_photo(60, 44, seed=1), (20, 10))
    with pytest.warns(FstWarning, match="transparent in 67%"):
        found = painted(wide)
    np.testing.assert_array_equal(found, painted("a.png"))  # cut to what is seen


def test_stroke_size_and_style_weight_are_asked_of_it_by_either_name() -> None:
    expected = painted("a.png", stroke_size=300, style_weight=20)
    for given in (
        {"style_size": 300, "style_weight": 20},
        {"loss": {"style_weight": 20.0}, "settings": {"stroke_size": 300}},
    ):
        np.testing.assert_array_equal(painted("a.png", **given), expected)
    assert np.abs(painted("a.png") - expected).max() > 1
    with pytest.raises(InputError, match="twice"):
        load("a.png", stroke_size=300, style_size=300)


def test_blends_and_controls_go_with_it() -> None:
    blend = load("a.png=0.5,b.png=0.5")
    assert blend(PHOTO).size == PHOTO.size
    style = load("a.png")
    assert style(PHOTO, size=24).size == (24, 19)
    assert style(PHOTO, seamless=True).size == PHOTO.size
    assert np.array_equal(np.asarray(style(PHOTO, strength=0)), np.asarray(PHOTO))


def test_a_picture_is_refined_and_optimized_for_as_its_file_is() -> None:
    picture = Image.open("a.png")
    for options in (
        {"refine": 1, "weights": "slim", "stroke_size": 256},
        {"method": "optimize", "iterations": 1, "weights": "slim", "stroke_size": 64},
        {"iterations": 1, "weights": "slim", "stroke_size": 64, "checkpoints": "none"},
    ):
        np.testing.assert_array_equal(painted(picture, **options), painted("a.png", **options))


def test_a_painting_that_changes_later_changes_nothing() -> None:
    array = np.asarray(Image.open("a.png")).astype(np.float32) / 255
    tensor = torch.from_numpy(array).permute(2, 0, 1)
    style = load(tensor)
    tensor.zero_()
    large = PHOTO.resize((400, 320))  # whose net is predicted only when it is painted
    assert np.array_equal(np.asarray(style(large)), np.asarray(load("a.png")(large)))


def test_threads_paint_as_one_does() -> None:
    expected = {name: painted(name) for name in ("a.png", "b.png")}
    with ThreadPoolExecutor(4) as threads:
        names = ["a.png", "b.png"] * 4
        for name, found in zip(names, threads.map(painted, names), strict=True):
            np.testing.assert_array_equal(found, expected[name])


def test_modes_of_torch_change_nothing() -> None:
    expected = painted("a.png")
    with torch.inference_mode():
        np.testing.assert_array_equal(painted("a.png"), expected)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(painted("a.png"), expected)


@pytest.mark.parametrize(
    ("style", "options", "facts"),
    [
        (Image.new("RGB", (40, 40), "red"), {}, ["one color"]),
        (np.zeros((40, 40, 3), np.uint8), {}, ["one color"]),
        (make_photo(40, 12), {}, ["40x12", "16"]),
        (torch.rand(2, 3, 20, 20), {}, ["painting", "one picture", "2"]),
        (torch.rand(3, 3, 3, 3, 3), {}, ["painting"]),
        (torch.rand(1, 3, 40, 40) * 300, {}, ["painting"]),
        (Image.new("RGBA", (40, 40)), {}, ["transparent"]),
        ("a.png", {"stroke_size": 2000, "refine": 1}, ["stroke_size", "768", "optimize"]),
        ("a.png", {"style_weight": 500}, ["style_weight", "40", "optimize"]),
        ("a.png", {"stroke_size": "huge"}, ["stroke_size", "small, medium, large", "'huge'"]),
        ("a.png", {"stroke_size": "large", "refine": 1}, ["stroke_size", "'large'", "pixels"]),
        ("a.png", {"stroke_size": "large", "iterations": 1}, ["'large'", "pixels"]),
        ("a.png", {"stroke_size": 8}, ["stroke_size", "16", "medium"]),
        ("a.png", {"stroke_size": 512.5}, ["stroke_size", "large"]),
        ("a.png", {"method": "feedforward", "iterations": 3}, ["iterations", "one pass"]),
        ("any", {}, ["any", "give a painting"]),
        (3, {}, ["style", "int"]),
        ([1, 2], {}, ["style", "list"]),
        ("a.png", {"stroke_siz": 300}, ["stroke_size"]),
    ],
)
def test_mistakes_are_one_line(style: Any, options: dict[str, Any], facts: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        load(style, **options)
    assert "\n" not in str(caught.value)
    assert all(fact in str(caught.value) for fact in facts)


def test_without_an_any_painting_net_one_pass_of_a_picture_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"any\.safetensors.*optimize"):
        load(Image.open("a.png"), checkpoints="none", method="feedforward")
