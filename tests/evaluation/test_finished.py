"""fst.evaluation.finished: a photo that was compared before is taken, and nothing else is."""

import json
from pathlib import Path
from typing import Any

import pytest

from fst.evaluation.finished import keep_photo, read_finished

FIGURES = {"name": "sea.png", "pictures": {"fast": "pictures/sea.png"}, "seconds": 0.25}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where an entry lies, beside its picture."""
    for folder in ("photos", "pictures"):
        (tmp_path / folder).mkdir()
    (tmp_path / "pictures" / "sea.png").touch()
    return tmp_path / "photos" / "sea.json"


def test_what_was_kept_comes_back(file: Path) -> None:
    kept = keep_photo(file, "k1", FIGURES)
    assert kept == {"key": "k1", **FIGURES}
    assert read_finished(file, "k1", "sea.png") == kept
    assert json.loads(file.read_text()) == kept


@pytest.mark.parametrize(("key", "name"), [("k2", "sea.png"), ("k1", "land.png")])
def test_figures_of_something_else_are_not_taken(file: Path, key: str, name: str) -> None:
    keep_photo(file, "k1", FIGURES)
    assert read_finished(file, key, name) is None


def test_figures_whose_picture_is_gone_are_not_taken(file: Path) -> None:
    keep_photo(file, "k1", FIGURES)
    (file.parents[1] / "pictures" / "sea.png").unlink()
    assert read_finished(file, "k1", "sea.png") is None


@pytest.mark.parametrize(
    "content",
    [None, "", "{", "[]", "3", '{"key": "k1"}', '{"key": "k1", "name": "sea.png"}',
     '{"key": "k1", "name": "sea.png", "pictures": ["sea.png"]}', b"\xff\xfe"],
)  # fmt: skip
def test_a_damaged_entry_is_none(file: Path, content: Any) -> None:
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert read_finished(file, "k1", "sea.png") is None
