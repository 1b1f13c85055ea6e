"""fst.data.photo_list: every photo once an epoch, and who stands in for a broken one."""

from itertools import islice

import pytest

from fst.data.photo_list import PhotoList, stand_in
from fst.data.sources import Record

RECORDS: list[Record] = [{"path": f"{i}.png", "bytes": None} for i in range(7)]


def names(photos: PhotoList, start: int, count: int) -> list[str]:
    found = list(islice(photos.places(start), count))
    assert [place for place, _ in found] == list(range(start, start + count))
    return [str(pick(0)["path"]) for _, pick in found]


def test_every_photo_comes_once_an_epoch_in_another_order() -> None:
    seen = names(PhotoList(RECORDS, seed=3), 0, 21)
    epochs = [seen[i : i + 7] for i in (0, 7, 14)]
    assert all(sorted(epoch) == sorted(r["path"] for r in RECORDS) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    assert names(PhotoList(RECORDS, seed=4), 0, 21) != seen


@pytest.mark.parametrize("start", [1, 6, 7, 20])
def test_a_place_has_the_same_photo_wherever_one_begins(start: int) -> None:
    whole = names(PhotoList(RECORDS, seed=0), 0, 30)
    assert names(PhotoList(RECORDS, seed=0), start, 9) == whole[start : start + 9]


def test_every_photo_is_tried_before_one_is_tried_again() -> None:
    others = [stand_in(7, attempt, seed=1, place=5) for attempt in range(1, 15)]
    assert sorted(others[:7]) == list(range(7))
    assert others[7:] == others[:7]
    orders = {tuple(stand_in(7, a, seed=1, place=p) for a in range(1, 8)) for p in range(10)}
    assert len(orders) > 1  # not the same one stands in for all


def test_what_stands_in_is_one_of_the_list() -> None:
    ((place, pick),) = islice(PhotoList(RECORDS, seed=2).places(3), 1)
    for attempt in (1, 2, 3):
        assert pick(attempt) == RECORDS[stand_in(7, attempt, 2, place)]
