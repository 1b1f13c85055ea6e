"""Rates as people write them."""

from fractions import Fraction

import pytest

from fst.errors import InputError
from fst.inference.video.rates import parse_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)), ("12.5", Fraction(25, 2)), ("30000/1001", Fraction(30_000, 1001)),
        ("29.97", Fraction(30_000, 1001)), ("23.976", Fraction(24_000, 1001)),
        ("59.94", Fraction(60_000, 1001)), ("30", Fraction(30)), ("2997/100", Fraction(2997, 100)),
        ("0.5", Fraction(1, 2)), (" 24 ", Fraction(24)), ("23.98", Fraction(24_000, 1001)),
    ],
)  # fmt: skip
def test_a_rate(text: str, rate: Fraction) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize("text", ["", "0", "-1", "abc", "nan", "inf", "1/0", "1001", "1,5"])
def test_no_rate(text: str) -> None:
    with pytest.raises(InputError, match="frames a second"):
        parse_rate(text)
