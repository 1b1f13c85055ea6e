"""Pictures without files: in order, small ones together, one that fails alone."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import Picture
from fst.inference import encoded
from fst.inference.control import Control
from fst.inference.encoded import Painted, paint_encoded


@dataclass
class Negative:
    """A stylizer that paints the negative, and remembers the sizes of its batches."""

    together: int = 4
    broken: float = 2.0
    seen: list[tuple[int, ...]] = field(default_factory=list)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def several(self, height: int, width: int) -> int:
        return self.together

    def __call__(self, photos: Tensor, on_iterate: object = None) -> Tensor:
        self.seen.append(tuple(photos.shape))
        if bool((photos == self.broken).any()):
            raise InputError("this one can't be painted")
        return 1 - photos


def decode(given: Any) -> Picture:
    if isinstance(given, str):
        raise InputError(given)
    value, height, width = given
    return Picture(torch.full((1, 3, height, width), value))


def encode(picture: Picture) -> bytes:
    return f"{picture.rgb.mean():.2f} {picture.size}".encode()


def paint(given: list[Any], stylizer: Any, **options: Any) -> list[Painted]:
    return paint_encoded(given, stylizer, Control(**options), decode, encode)


def test_pictures_of_one_size_are_painted_together_and_come_in_order() -> None:
    sizes = [(20, 30), (30, 20)] * 5
    given = [(number / 16, *size) for number, size in enumerate(sizes)]
    stylizer = Negative(together=3)
    made = paint(given, stylizer)
    expected = [f"{1 - number / 16:.2f} {size[::-1]}".encode() for number, size in enumerate(sizes)]
    assert [one.content for one in made] == expected
    assert sorted(shape[0] for shape in stylizer.seen) == [2, 2, 3, 3]
    assert {shape[2:] for shape in stylizer.seen} == {(20, 30), (30, 20)}


def test_one_that_fails_does_not_take_the_others_along() -> None:
    given = [(0.25, 20, 20), "a broken photo", (2.0, 20, 20), (0.5, 20, 20)]
    made = paint(given, Negative(together=8))
    assert [one.content for one in made] == [b"0.75 (20, 20)", None, None, b"0.50 (20, 20)"]
    assert [one.error for one in made] == [
        None, "a broken photo", "this one can't be painted", None,
    ]  # fmt: skip


def test_where_nothing_is_painted_the_photo_comes_back() -> None:
    stylizer = Negative()
    assert paint([(0.25, 20, 20)] * 2, stylizer, strength=0)[1].content == b"0.25 (20, 20)"
    assert stylizer.seen == []


def test_little_waits_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded, "HELD", 2 * 400)
    stylizer = Negative(together=100)
    paint([(0.25, 20, 20)] * 7, stylizer)
    assert [shape[0] for shape in stylizer.seen] == [3, 3, 1]


def test_a_large_one_is_read_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next is not decoded before a large one is painted."""
    monkeypatch.setattr(encoded, "LARGE", 399)
    order = []

    def reading(given: Any) -> Picture:
        order.append("read")
        return decode(given)

    def writing(picture: Picture) -> bytes:
        order.append("written")
        return encode(picture)

    paint_encoded([(0.25, 20, 20)] * 4, Negative(1), Control(), reading, writing)
    assert order == ["read", "written"] * 4


def test_no_picture() -> None:
    assert paint([], Negative()) == []
