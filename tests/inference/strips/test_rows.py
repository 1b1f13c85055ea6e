"""fst.inference.strips.rows: rows made where they are wanted, or kept."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.inference.strips import rows
from fst.inference.strips.rows import Kept, Made
from fst.inference.strips.stores import Store


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("rows", [(-2, 3), (0, 7), (4, 9), (-2, 9), (2, 5)])
def test_rows_are_made_where_they_are_wanted(padding: str, rows: tuple[int, int]) -> None:
    x = draw(1, 2, 7, 6)
    asked: list[tuple[int, int]] = []

    def make(first: int, last: int) -> Tensor:
        assert 0 <= first < last <= 7
        asked.append((first, last))
        return x[:, :, first:last]

    found = Made(7, 6, make).rows(*rows, 2, padding)
    expected = F.pad(x, (2, 2, 2, 2), mode=padding)[:, :, rows[0] + 2 : rows[1] + 2]
    assert torch.equal(found, expected)


def test_kept_rows_are_changed_once() -> None:
    store = Store(1, 6, 4, 1, torch.float32, "cpu")
    store.write(0, torch.zeros(1, 1, 6, 4))
    store.seal("reflect")
    kept = Kept(store, "reflect")
    kept.renew(lambda rows, first, last: rows.add_(1))
    for first in range(-1, 5):
        assert kept.rows(first, first + 3, 1, "reflect").eq(1).all()
    kept.renew(lambda rows, first, last: rows.add_(1))
    assert kept.rows(-1, 7, 1, "reflect").eq(2).all()
    assert kept.rows(-1, 7, 1, "replicate").eq(2).all()
    assert kept.change is rows._as_is  # what was added is let go
