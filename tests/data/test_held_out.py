"""fst.data.held_out: the photos that a run is validated on."""

from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from support import encoded, make_photo, one_color

from fst.data.held_out import HeldOutPhotos, hold_out, pilot_crops
from fst.data.sources import Record, open_folder
from fst.errors import InputError

pytestmark = pytest.mark.usefixtures("offline")


def test_a_held_out_photo_is_cropped_at_its_center(tmp_path: Path) -> None:
    photo = make_photo(30, 20)
    photo.save(tmp_path / "wide.png")
    held_out = HeldOutPhotos([{"path": str(tmp_path / "wide.png"), "bytes": None}], 20)
    assert len(held_out) == 1
    expected = np.asarray(photo)[:, 5:25] / 255
    np.testing.assert_allclose(held_out[0].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def records(*kinds: str) -> list[Record]:
    """A photo each: ``"good"``, ``"broken"`` or ``"blank"``; named by their place."""
    content = {"broken": b"this is no picture", "blank": encoded(one_color(3))}
    return [
        {"path": f"{i}.png", "bytes": content.get(kind) or encoded(make_photo(seed=i))}
        for i, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(
    ("kinds", "count", "taken"),
    [
        ("good broken good good", 2, [0, 2]),
        ("broken broken good", 2, [2]),
        ("good good broken", 2, [0, 1]),
        ("blank good blank good good", 2, [1, 3]),
        ("blank good blank broken", 2, [0, 1]),  # better than none
        ("blank blank blank", 2, [0, 1]),
        ("good blank broken good", None, [0, 1, 3]),
    ],
)
def test_broken_and_blank_photos_are_replaced_by_the_next_ones(
    kinds: str, count: int | None, taken: list[int]
) -> None:
    held_out = HeldOutPhotos(records(*kinds.split()), 16, lambda line: None, count)
    assert held_out.taken == taken
    assert held_out.names == {f"{i}.png" for i in taken}
    assert len(held_out) == len(taken)


def test_what_is_replaced_is_named_and_what_is_not_needed_is_not_opened() -> None:
    said: list[str] = []
    opened: list[int] = []

    def lazy() -> Iterator[Record]:
        for i, record in enumerate(records("good", "broken", "blank", "good", "broken")):
            opened.append(i)
            yield record

    HeldOutPhotos(lazy(), 16, said.append, count=2)
    assert opened == [0, 1, 2, 3]
    assert [line.split()[:3] for line in said] == [
        ["skipped", "1:", "1.png"],
        ["of", "one", "color,"],
    ]
    assert "2.png" in said[1]


def test_a_folder_of_broken_photos_is_left_before_its_end() -> None:
    read: list[int] = []

    def endless() -> Iterator[Record]:
        for i in range(10**6):
            read.append(i)
            yield {"path": f"{i}.jpg", "bytes": b"no picture"}

    with pytest.raises(InputError, match="none of the photos to validate on") as caught:
        HeldOutPhotos(endless(), 16, lambda line: None, count=4)
    assert len(read) < 200
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200  # not all of them are named


def dataset(folder: Path, *kinds: str) -> datasets.Dataset:
    """The same as files in a folder, ``00.png`` and so on."""
    folder.mkdir()
    for i, record in enumerate(records(*kinds)):
        (folder / f"{i:02d}.png").write_bytes(record["bytes"])
    return open_folder(str(folder))


def numbers_of(photos: datasets.Dataset) -> list[int]:
    return [int(Path(row["image"]["path"]).stem) for row in photos]


@pytest.mark.parametrize(
    ("count", "photos", "apart"),
    [(2, 10, [0, 5]), (3, 20, [0, 6, 13]), (9, 10, [0, 5]), (1, 5, [0])],
)
def test_at_most_a_fifth_is_set_apart_and_spread_over_all(
    tmp_path: Path, count: int, photos: int, apart: list[int]
) -> None:
    data = dataset(tmp_path / "photos", *["good"] * photos)
    held_out, rest = hold_out(data, count, 16)
    assert sorted(int(Path(name).stem) for name in held_out.names) == apart
    assert numbers_of(rest) == [i for i in range(photos) if i not in apart]


@pytest.mark.parametrize("kind", ["broken", "blank"])
def test_what_replaces_a_held_out_photo_is_not_trained_on_either(tmp_path: Path, kind: str) -> None:
    kinds = ["good"] * 10
    kinds[0] = kinds[1] = kind
    held_out, rest = hold_out(dataset(tmp_path / "photos", *kinds), 2, 16, lambda line: None)
    assert sorted(int(Path(name).stem) for name in held_out.names) == [2, 5]
    assert numbers_of(rest) == [1, 3, 4, 6, 7, 8, 9]


def test_of_very_few_photos_all_are_left_to_train_on(tmp_path: Path) -> None:
    held_out, rest = hold_out(dataset(tmp_path / "photos", *["good"] * 4), 3, 16)
    assert held_out.taken == [0, 1, 2]
    assert numbers_of(rest) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("held", "others", "names"),
    [
        ("good good good good", "good", 4),
        ("good", "good good good good", 4),
        ("good", "good broken", 2),
        ("good", "", 1),
        ("good", "broken", 1),
        ("good good", "blank good", 4),  # what shows nothing is left out later
    ],
)
def test_photos_to_train_on_join_the_pilot_where_few_are_held_out(
    held: str, others: str, names: int
) -> None:
    held_out = HeldOutPhotos(records(*held.split()), 16)
    more: list[Record] = [
        {**record, "path": f"other{i}.png"} for i, record in enumerate(records(*others.split()))
    ]
    crops = pilot_crops(held_out, more, 4)
    assert len(crops) == names
    assert all(torch.equal(crop, kept) for crop, kept in zip(crops, held_out.crops, strict=False))


def test_no_photo_is_in_the_pilot_twice() -> None:
    held_out = HeldOutPhotos(records("good", "good"), 16)
    assert len(pilot_crops(held_out, records("good", "good", "good"), 4)) == 3
