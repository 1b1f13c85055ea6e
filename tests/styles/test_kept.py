"""fst.styles.kept: a painting that is looked at now, and seen at any size later."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from support import make_photo

from fst.errors import AssetError, FstWarning, InputError
from fst.image.io import load_image
from fst.image.painting import load_painting
from fst.image.picture import Picture
from fst.styles import kept
from fst.styles.kept import kept_painting


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, no assets, and a painting."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("FST_ASSETS", raising=False)
    make_photo(60, 44, seed=1).save("a.png")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is decoded, one by one."""
    files: list[Any] = []
    read = kept.open_painting

    def see(file: Any, *others: Any, **named: Any) -> Picture:
        files.append(file)
        return read(file, *others, **named)

    monkeypatch.setattr(kept, "open_painting", see)
    return files


def test_it_is_decoded_once_for_one_size_and_again_for_others(opened: list[Any]) -> None:
    painting = kept_painting("a.png", 512)
    assert len(opened) == 1
    assert torch.equal(painting(300), load_painting("a.png", 300))
    assert len(opened) == 1
    for size in (64, 300):
        assert torch.equal(painting(size), load_painting("a.png", size))
    assert len(opened) == 3


def test_its_file_may_be_gone_or_another_one() -> None:
    expected = [load_painting("a.png", size) for size in (64, 128)]
    painting = kept_painting("a.png", 512)
    make_photo(60, 44, seed=2).save("a.png")
    assert torch.equal(painting(64), expected[0])
    Path("a.png").unlink()
    assert torch.equal(painting(128), expected[1])


def test_a_picture_is_a_painting_as_its_file_is() -> None:
    painting = kept_painting(load_image("a.png"), 512)
    for size in (64, 300):
        assert torch.equal(painting(size), load_painting("a.png", size))


def test_what_is_transparent_is_said_once() -> None:
    wide = Image.new("RGBA", (100, 80))
    wide.paste(make_photo(60, 44, seed=1), (20, 10))
    wide.save("wide.png")
    for given in ("wide.png", load_image("wide.png")):
        with pytest.warns(FstWarning, match="transparent in 67%"):
            painting = kept_painting(given, 512)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for size in (64, 300):
                assert torch.equal(painting(size), load_painting("a.png", size))


def test_a_portrait_stands_in_for_a_shipped_painting_and_that_is_said_once() -> None:
    with pytest.warns(FstWarning, match="portrait"):
        painting = kept_painting("monet_woman_with_a_parasol.jpg", 256)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert max(painting(256).shape) == 256
        assert max(painting(320).shape) == 320


def test_what_is_no_painting_is_told_at_once() -> None:
    make_photo(570, 17).save("thin.png")
    with pytest.raises(InputError, match="512x15"):
        kept_painting("thin.png", 512)
    with pytest.raises(InputError, match="256x8"):
        kept_painting("thin.png", 768)(256)
    with pytest.raises(InputError, match="512x15"):
        kept_painting(load_image("thin.png"), 512)
    with pytest.raises(AssetError, match=r"nowhere\.png"):
        kept_painting("./nowhere.png", 512)


def test_a_painting_of_few_pixels_is_said_once() -> None:
    make_photo(90, 63).save("few.png")
    make_photo(90, 64).save("enough.png")
    for given in ("few.png", load_image("few.png")):
        with pytest.warns(FstWarning, match=r"has few pixels, 90x63.*64"):
            painting = kept_painting(given, 512)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            painting(300), painting(320)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept_painting("enough.png", 512)
