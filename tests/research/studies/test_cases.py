"""Photos and styles of a study; names of files."""

from pathlib import Path

import pytest
from support import make_photo

from fst.errors import InputError
from fst.research.studies.cases import (
    check_different,
    named_apart,
    open_photo,
    open_style,
    sample_photos,
    style_weight_of,
)


def test_without_a_photo_there_is_one_that_comes_along() -> None:
    photo = open_photo(None, 64)
    assert photo.path == sample_photos()[0]
    assert max(photo.rgb.shape[2:]) == 64
    assert photo.name == "coffee"


def test_a_style_needs_a_painting(tmp_path: Path) -> None:
    make_photo().save(tmp_path / "sea.png")
    assert open_style(str(tmp_path / "sea.png")).name == "sea"
    assert style_weight_of(open_style("starry_night")) > 0
    with pytest.raises(InputError, match="painting"):
        open_style("monet=0.5,poppies=0.5")


def test_names_of_files_differ() -> None:
    assert named_apart(["a", "b c", "a", "a"]) == ["a", "b-c", "a-2", "a-3"]


def test_a_value_that_is_given_twice_is_named() -> None:
    check_different("--seeds", (1, 2))
    with pytest.raises(InputError, match="--seeds names 2 twice"):
        check_different("--seeds", (1, 2, 2))
