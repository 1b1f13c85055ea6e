"""fst.inference.export.proof: a file that paints other pictures is refused."""

import pytest
import torch
from exports import painter, tiny_style
from torch import Tensor

from fst.errors import InputError
from fst.inference.export.proof import Example, examples, prove


@pytest.fixture(scope="module")
def known() -> list[Example]:
    return examples(painter(tiny_style()), [(1, 48, 40), (2, 44, 32)])


def test_the_same_picture_is_proved(known: list[Example]) -> None:
    checks = prove(painter(tiny_style()), known, 1.0, "tiny.onnx")
    assert [check.size for check in checks] == ["48x40", "2 of 44x32"]
    assert all(check.difference < 0.001 for check in checks)
    assert all(check.seconds > 0 for check in checks)


@pytest.mark.parametrize(
    ("levels", "bound", "equal"), [(0.9, 1, True), (1.1, 1, False), (1.9, 2, True), (2.1, 2, False)]
)
def test_the_bound_is_of_the_mean_difference(
    known: list[Example], levels: float, bound: float, equal: bool
) -> None:
    def off(photos: Tensor) -> Tensor:
        return painter(tiny_style())(photos) + levels / 255

    if equal:
        assert prove(off, known, bound, "x")[0].difference == pytest.approx(levels, rel=1e-3)
        return
    with pytest.raises(InputError, match=rf"tiny\.onnx was not kept.*48x40.*{levels:.2f} of 255"):
        prove(off, known, bound, "tiny.onnx")


def test_one_wrong_picture_of_a_batch_is_not_lost_in_the_mean(known: list[Example]) -> None:
    def second(photos: Tensor) -> Tensor:
        painted = painter(tiny_style())(photos)
        painted[1:] += 1.5 / 255
        return painted

    with pytest.raises(InputError, match="2 of 44x32"):
        prove(second, known, 1.0, "x")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_not_equal(known: list[Example], value: float) -> None:
    with pytest.raises(InputError, match="was not kept"):
        prove(lambda photos: torch.full_like(photos, value), known, 1.0, "x")


def test_a_picture_of_another_size_is_not_equal(known: list[Example]) -> None:
    with pytest.raises(InputError, match=r"shape \(1, 3, 40, 47\), expected \(1, 3, 40, 48\)"):
        prove(lambda photos: painter(tiny_style())(photos)[..., :-1], known, 1.0, "x")
