"""fst.training.many.rows: rows of styles stay together."""

import pytest
import torch

from fst.training.many.draws import Styles
from fst.training.many.rows import in_parts, moved, taken


@pytest.fixture
def styles() -> Styles:
    """Five styles; every number of the row ``i`` is ``i``."""
    rows = torch.arange(5.0)
    grams = {"relu1_1": rows[:, None, None].expand(5, 2, 2).clone()}
    return Styles(rows[:, None].expand(5, 3).clone(), grams, rows, rows, torch.arange(5))


def numbers(styles: Styles) -> list[int]:
    found = styles.variant.tolist()
    for values in (styles.moments, styles.grams["relu1_1"], styles.style_weight,
                   styles.stroke_size):  # fmt: skip
        assert all(bool((value == i).all()) for value, i in zip(values, found, strict=True))
    return found


def test_rows_come_in_the_order_asked_for(styles: Styles) -> None:
    assert numbers(taken(styles, torch.tensor([3, 0, 0]))) == [3, 0, 0]


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [[0, 1, 2, 3, 4]]), (2, [[0, 1, 2], [3, 4]]), (4, [[0, 1], [2], [3], [4]])],
)
def test_parts_are_those_of_the_photos(
    count: int, expected: list[list[int]], styles: Styles
) -> None:
    assert [numbers(part) for part in in_parts(styles, count)] == expected
    photos = torch.arange(5).tensor_split(count)
    assert [part.tolist() for part in photos] == expected


def test_all_of_them_are_moved(styles: Styles) -> None:
    there = moved(styles, torch.device("meta"))
    tensors = (there.moments, *there.grams.values(), *there[2:])
    assert {tensor.device.type for tensor in tensors} == {"meta"}
