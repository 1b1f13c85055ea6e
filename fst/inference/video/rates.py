"""Frames a second, as people write them: light, for the command line."""

from fractions import Fraction

from fst.errors import InputError

MOST = 1000
"""Frames a second that can be asked for."""

NTSC = 1001
"""Television's rates are so many thousandths slower than their names (SMPTE ST 170): 29.97."""


def parse_rate(text: str) -> Fraction:
    """A rate in frames a second, exactly: ``25``, ``30000/1001``, ``23.976``.

    ``29.97`` and its like are taken for what they stand for, ``30000/1001``.

    Raises:
        InputError: not a number, or out of range.
    """
    try:
        rate = Fraction(text.strip())
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= MOST:
        shown = repr(text if len(text) <= 40 else f"{text[:37]}...")
        raise InputError(
            f"{shown} is no rate: give frames a second, 25, 29.97 or 30000/1001, at most {MOST}"
        )
    for whole in (24, 30, 48, 60, 120, 240):
        exact = Fraction(1000 * whole, NTSC)
        if "/" not in text and rate != whole and abs(rate - exact) < Fraction(6, 1000):
            return exact
    return rate
