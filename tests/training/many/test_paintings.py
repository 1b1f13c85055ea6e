"""fst.training.many.paintings: which paintings there are, and which are set apart."""

import hashlib
import os
import warnings
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from PIL import Image
from support import encoded, make_photo

from fst.errors import AssetError, FstError, FstWarning, InputError
from fst.image.painting import load_painting
from fst.training.many.paintings import Painting, find_paintings, split_paintings

pytestmark = pytest.mark.usefixtures("offline")


def skipped(path: Path, **settings: Any) -> tuple[list[Painting], list[str]]:
    """The paintings that are found, and what is said of those left out."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = find_paintings(str(path), **settings)
    assert all(issubclass(one.category, FstWarning) for one in caught)
    return found, [str(one.message) for one in caught]


# --- a folder ------------------------------------------------------------------------------------


def test_a_folder_gives_its_paintings_with_their_digests(folder: Path) -> None:
    found = find_paintings(str(folder))
    assert [painting.name for painting in found] == ["a", "b", "c"]
    for painting in found:
        assert painting.sha256 == hashlib.sha256(painting.path.read_bytes()).hexdigest()
    assert torch.equal(found[2].open(100), load_painting(folder / "more" / "c.png", 100))
    assert found[2].open(100).shape == (1, 3, 80, 100)


def test_names_that_are_there_twice_tell_the_folder(folder: Path) -> None:
    make_photo(120, 96, seed=7).save(folder / "more" / "a.png")
    assert [p.name for p in find_paintings(str(folder))] == ["a.png", "b", "more/a.png", "c"]


def test_a_limit_takes_the_first_ones(folder: Path) -> None:
    assert [p.name for p in find_paintings(str(folder), limit=2)] == ["a", "b"]


def test_a_folder_is_found_below_the_assets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FST_ASSETS", str(folder.parent))
    monkeypatch.chdir("/")
    assert len(find_paintings("paintings")) == 3


def test_what_can_not_be_learned_from_is_named_and_left_out(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(encoded(make_photo(120, 96), "JPEG")[:900])
    (folder / "text.png").write_text("no picture")
    Image.new("RGB", (120, 96), (200, 30, 30)).save(folder / "flat.png")
    make_photo(400, 90).save(folder / "thin.png")
    make_photo(63, 80).save(folder / "tiny.png")
    (folder / "z.png").write_bytes((folder / "a.png").read_bytes())
    found, lines = skipped(folder)
    assert [painting.name for painting in found] == ["a", "b", "c"]
    reasons = {
        "broken.jpg": "can't be decoded",
        "text.png": "",
        "flat.png": "of one color",
        "thin.png": "256x58, and 64",
        "tiny.png": "63x80 is too small, 64",
        "z.png": "a.png",
    }
    assert len(lines) == len(reasons)
    for name, reason in reasons.items():
        (line,) = [line for line in lines if str(folder / name) in line]
        assert line.startswith("skipped: ")
        assert reason in line
        assert "\n" not in line


def test_a_larger_smallest_size_leaves_room_for_thinner_ones(folder: Path) -> None:
    make_photo(400, 90).save(folder / "thin.png")
    found, lines = skipped(folder, smallest=300)
    assert [painting.name for painting in found][2:] == ["c", "thin"]
    assert lines == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_painting_that_must_not_be_read_is_left_out(folder: Path) -> None:
    (folder / "a.png").chmod(0)
    found, (line,) = skipped(folder)
    assert len(found) == 2
    assert "a.png" in line


def test_one_painting_is_not_many(folder: Path) -> None:
    alone = folder / "more"
    with pytest.raises(InputError, match=r"only one .*style=FILE") as caught:
        find_paintings(str(alone))
    assert "\n" not in str(caught.value)
    (alone / "c.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"none .*style=FILE"):
        skipped(alone)


def test_a_file_a_folder_without_and_none_are_one_line_each(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"one file.*style=FILE"):
        find_paintings(str(folder / "a.png"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no paintings in .*empty"):
        find_paintings(str(tmp_path / "empty"))
    (tmp_path / "empty" / "train.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"paintings\.source=hub"):
        find_paintings(str(tmp_path / "empty"))
    with pytest.raises(AssetError, match=r"nowhere.*FST_ASSETS"):
        find_paintings("nowhere")


WRONG = {
    "path": {"path": ""},
    "source": {"source": "museum"},
    "limit": {"limit": 1},
    "split": {"source": "hub", "split": 3},
    "column": {"source": "hub", "column": ""},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_named(name: str, folder: Path) -> None:
    with pytest.raises(InputError, match=f"paintings.{name} must be") as caught:
        find_paintings(**{"path": str(folder), **WRONG[name]})  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


# --- a data set ----------------------------------------------------------------------------------


def test_a_data_set_gives_its_paintings_and_names_broken_ones(tmp_path: Path) -> None:
    pictures = [encoded(make_photo(120, 96, seed=i)) for i in range(3)]
    rows = [{"bytes": data, "path": f"{i}.png"} for i, data in enumerate([*pictures, b"no"])]
    features = datasets.Features({"art": datasets.Image()})
    (tmp_path / "hub").mkdir()
    datasets.Dataset.from_dict({"art": rows}, features=features).to_parquet(
        str(tmp_path / "hub" / "train-00000-of-00001.parquet")
    )
    found, (line,) = skipped(tmp_path / "hub", source="hub", column="art", cache=tmp_path / "kept")
    assert [painting.name for painting in found] == ["0", "1", "2"]
    digests = [hashlib.sha256(data).hexdigest() for data in pictures]
    assert [painting.sha256 for painting in found] == digests
    assert f"3 of {tmp_path / 'hub'}" in line
    with pytest.raises(FstError, match=r"'image'.*paintings\.column one of art"):
        find_paintings(str(tmp_path / "hub"), source="hub", cache=tmp_path / "kept")


# --- what is held out ----------------------------------------------------------------------------


def many(count: int) -> list[Painting]:
    digests = [hashlib.sha256(bytes([i])).hexdigest() for i in range(count)]
    return [Painting(f"p{i}", Path(f"p{i}.png"), digest) for i, digest in enumerate(digests)]


def test_paintings_are_held_out_by_what_they_show_and_the_seed() -> None:
    paintings = many(60)
    train, held = split_paintings(paintings, 5, seed=3)
    assert len(held) == 5
    assert [p for p in paintings if p in train or p in held] == paintings
    assert not set(train) & set(held)
    renamed = [Painting(f"x{p.name}", p.path, p.sha256) for p in reversed(paintings)]
    _, again = split_paintings(renamed, 5, seed=3)
    assert {p.sha256 for p in again} == {p.sha256 for p in held}
    _, others = split_paintings(paintings, 5, seed=4)
    assert set(others) != set(held)


def test_another_painting_changes_the_choice_at_most_by_itself() -> None:
    held_before: set[Painting] | None = None
    changed = 0
    for count in range(60, 90):
        held = set(split_paintings(many(count), 6, seed=0)[1])
        if held_before is not None and held != held_before:
            changed += 1
            assert held - held_before == {many(count)[-1]}
        held_before = held
    assert 0 < changed < 15


@pytest.mark.parametrize(("count", "wanted", "held"), [(60, 12, 6), (9, 12, 0), (10, 3, 1)])
def test_at_most_a_tenth_is_held_out(count: int, wanted: int, held: int) -> None:
    train, apart = split_paintings(many(count), wanted, seed=0)
    assert (len(train), len(apart)) == (count - held, held)


def test_paintings_may_be_held_out_by_their_names() -> None:
    all_of_them = many(6)
    names = [all_of_them[1].name, all_of_them[4].name]
    train, apart = split_paintings(all_of_them, names, seed=0)
    assert apart == [all_of_them[1], all_of_them[4]]
    assert train == [p for p in all_of_them if p not in apart]
    with pytest.raises(InputError, match=r"no 'nobody' is among the paintings"):
        split_paintings(all_of_them, ["nobody"], seed=0)
    with pytest.raises(InputError, match="fewer than two"):
        split_paintings(all_of_them, [p.name for p in all_of_them[1:]], seed=0)
