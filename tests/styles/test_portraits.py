"""fst.styles.portraits: what stands in for a painting that is not there."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from support import make_photo

from fst.errors import AssetError, FstWarning, InputError
from fst.image.io import load_image
from fst.styles.portraits import embedded_portrait, read_figures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Portraits of one style."""
    make_photo(60, 40).save(tmp_path / "sea.jpg")
    digest = hashlib.sha256((tmp_path / "sea.jpg").read_bytes()).hexdigest()
    figures = {"sea": {"sha256": digest, "size": 60}}
    (tmp_path / "portraits.json").write_text(json.dumps(figures))
    return tmp_path


def test_a_portrait_has_the_size_that_the_painting_would_have(folder: Path) -> None:
    assert embedded_portrait("sea", 30, folder).shape == (1, 3, 20, 30)
    whole = embedded_portrait("sea", 60, folder)
    assert torch.equal(whole, load_image(folder / "sea.jpg").rgb)


def test_what_is_not_shipped_is_named(folder: Path) -> None:
    with pytest.raises(AssetError, match="'lake' comes with fst, only of sea"):
        embedded_portrait("lake", 30, folder)
    assert read_figures(folder / "nowhere") == {}


def test_a_portrait_is_found_by_the_paintings_file_too(folder: Path) -> None:
    figures = json.loads((folder / "portraits.json").read_text())
    figures["sea"]["painting"] = "sea_small.jpg"
    (folder / "portraits.json").write_text(json.dumps(figures))
    by_file = embedded_portrait("sea_small.jpg", 30, folder)
    assert torch.equal(by_file, embedded_portrait("sea", 30, folder))


def test_a_portrait_that_is_enlarged_is_said(folder: Path) -> None:
    with pytest.warns(FstWarning, match=r"60 .*90"):
        assert embedded_portrait("sea", 90, folder).shape == (1, 3, 60, 90)


def test_missing_and_damaged_files_are_noticed(folder: Path) -> None:
    file = folder / "sea.jpg"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(AssetError, match="damaged or another file"):
        embedded_portrait("sea", 30, folder)
    file.unlink()
    with pytest.raises(AssetError, match="missing"):
        embedded_portrait("sea", 30, folder)
    (folder / "portraits.json").write_text("{")
    with pytest.raises(AssetError, match="damaged"):
        read_figures(folder)


def test_a_portrait_that_would_be_too_small_is_one_line() -> None:
    with pytest.raises(InputError, match=r"at a style size of 15 .* 16 pixels are the least"):
        embedded_portrait("monet", 15)
