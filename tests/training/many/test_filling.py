"""fst.training.many.filling: a bank's cache is filled, as far as the disk and the files allow."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support import make_photo

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19
from fst.training.many import filling
from fst.training.many.bank import open_bank
from fst.training.many.filling import _decoded_ahead
from fst.training.many.paintings import Painting, find_paintings

Fill = Callable[[], Any]


@pytest.fixture
def fill(folder: Path, judge: VGG19, tmp_path: Path) -> Fill:
    """Fills a cache with three paintings."""
    paintings = find_paintings(str(folder))

    def run() -> Any:
        cache = tmp_path / "cache"
        layers, say = ["relu1_1"], lambda line: None
        return open_bank(paintings, judge, layers, (64,), 1, cache=cache, say=say)

    return run


def test_a_disk_without_room_is_told_before_the_work(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling.shutil, "disk_usage", lambda path: SimpleNamespace(free=10_000))
    with pytest.raises(InputError, match=r"3 paintings.*paintings\.cache=") as caught:
        fill()
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "cache").glob("*.safetensors"))


def test_a_disk_that_gets_full_is_one_line_and_keeps_what_is_there(
    fill: Fill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, written = filling.write_measured, []

    def full(path: Path, *rest: Any) -> None:
        if written:
            raise OSError(28, "No space left on device", str(path))
        written.append(path)
        original(path, *rest)

    monkeypatch.setattr(filling, "write_measured", full)
    with pytest.raises(InputError, match=r"No space left.*kept.*paintings\.cache=") as caught:
        fill()
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "cache").glob("*.safetensors")) == written


def test_a_cache_below_a_file_is_one_line(fill: Fill, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(InputError, match=str(tmp_path / "cache")):
        fill()


def test_a_painting_that_has_gone_is_one_line(fill: Fill, folder: Path) -> None:
    (folder / "b.jpg").unlink()
    with pytest.raises(InputError, match=r"b\.jpg"):
        fill()


def test_paintings_come_in_order_and_none_is_larger_than_needed(folder: Path) -> None:
    make_photo(900, 700).save(folder / "large.png")
    make_photo(1600, 1200).save(folder / "larger.jpg")
    paintings = find_paintings(str(folder))
    found = list(_decoded_ahead(paintings, 96))
    assert [painting for painting, _ in found] == paintings
    sizes = {painting.name: picture.size for painting, picture in found}
    assert sizes["a"] == (120, 96)
    assert sizes["large"] == (192, 149)
    assert sizes["larger"] == (192, 144)


def test_few_paintings_are_decoded_ahead(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    original = filling.open_painting

    def counted(path: Path, *rest: Any) -> Any:
        opened.append(path)
        return original(path, *rest)

    monkeypatch.setattr(filling, "open_painting", counted)
    monkeypatch.setattr(filling.os, "cpu_count", lambda: 1)
    rows = _decoded_ahead([Painting("a", folder / "a.png", "0" * 64)] * 50, 96)
    next(rows)
    assert len(opened) <= 3
    rows.close()
    assert len(opened) <= 3
