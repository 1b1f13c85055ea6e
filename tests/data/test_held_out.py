"""fst.data.held_out: the photos that a run is validated on."""

from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from support import encoded, make_photo, numbers, one_color

from fst.data.held_out import HeldOutPhotos, hold_out
from fst.data.sources import Record
from fst.errors import InputError

pytestmark = pytest.mark.usefixtures("offline")


def test_a_held_out_photo_is_cropped_at_its_center(tmp_path: Path) -> None:
    photo = make_photo(30, 20)
    photo.save(tmp_path / "wide.png")
    held_out = HeldOutPhotos([{"path": str(tmp_path / "wide.png"), "bytes": None}], 20)
    assert len(held_out) == 1
    expected = np.asarray(photo)[:, 5:25] / 255
    np.testing.assert_allclose(held_out[0].permute(1, 2, 0).numpy(), expected, atol=1e-6)


def test_broken_photos_among_the_held_out_are_left_out_and_named() -> None:
    records: list[Record] = [
        {"path": "corrupt.jpg", "bytes": b"this is no picture"},
        {"path": "3.png", "bytes": encoded(one_color(3))},
        {"path": "cut.png", "bytes": encoded(one_color(4))[:60]},
    ]
    said: list[str] = []
    held_out = HeldOutPhotos(records, 16, said.append)
    assert numbers(torch.stack([held_out[i] for i in range(len(held_out))])) == [3]
    assert [line.split()[:3] for line in said] == [
        ["skipped", "1:", "corrupt.jpg"],
        ["skipped", "2:", "cut.png"],
    ]


@pytest.mark.parametrize(
    ("count", "photos", "apart"),
    [(2, 10, [0, 5]), (3, 20, [0, 6, 13]), (9, 10, [0, 5]), (1, 5, [0])],
)
def test_at_most_a_fifth_is_set_apart_and_spread_over_all(
    count: int, photos: int, apart: list[int]
) -> None:
    data = datasets.Dataset.from_dict({"image": list(range(photos))})
    chosen, rest = hold_out(data, count)
    assert chosen == apart
    assert list(rest["image"]) == [i for i in range(photos) if i not in apart]


def test_of_very_few_photos_all_are_left_to_train_on() -> None:
    data = datasets.Dataset.from_dict({"image": [0, 1, 2, 3]})
    chosen, rest = hold_out(data, 3)
    assert chosen == [0, 1, 2]
    assert list(rest["image"]) == [0, 1, 2, 3]


def test_photos_of_which_none_can_be_decoded_are_refused() -> None:
    said: list[str] = []
    with pytest.raises(InputError, match="validation"):
        HeldOutPhotos([{"path": "corrupt.jpg", "bytes": b"no picture"}], 16, said.append)
    assert len(said) == 1
