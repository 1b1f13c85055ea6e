"""Checks of single values, each with one clear line; None is "not chosen" and passes."""

import difflib
import math
import numbers
from collections.abc import Iterable

from fst.errors import InputError


def check_names(names: Iterable[str], known: Iterable[str]) -> None:
    """Refuses what is no option at all.

    Raises:
        InputError: names what comes close.
    """
    known = list(known)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(str(name), known) or sorted(known)
            raise InputError(f"no option {str(name)!r}: there is {', '.join(close)}")


def one_of(name: str, value: object, allowed: Iterable[str | None]) -> None:
    """Refuses a value that is none of ``allowed``."""
    allowed = tuple(allowed)
    if not isinstance(value, str | None) or value not in allowed:
        names = ", ".join(str(option) for option in allowed if option is not None)
        raise InputError(f"{name} must be one of {names}, not {value!r}")


def number(name: str, value: object, least: float, most: float = math.inf) -> float | None:
    """``value`` as Python's float, or None; a NumPy number is one, a truth value is not."""
    if value is None:
        return None
    within = f"from {least:g} to {most:g}" if most < math.inf else f"at least {least:g}"
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InputError(f"{name} must be a number, {within}, not {value!r}")
    if not (math.isfinite(value) and least <= value <= most):
        raise InputError(f"{name} must be a number, {within}, not {value}")
    return float(value)


def whole(name: str, value: object, least: int, most: int | None = None) -> int | None:
    """``value`` as Python's int, or None; a NumPy integer is one, a truth value is not."""
    if value is None:
        return None
    within = f"at least {least}" if most is None else f"from {least} to {most}"
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise InputError(f"{name} must be a whole number, {within}, not {value!r}")
    if value < least or (most is not None and value > most):
        raise InputError(f"{name} must be a whole number, {within}, not {value}")
    return int(value)


def flag(name: str, value: object) -> bool | None:
    """``value`` if it is True, False or None."""
    if not isinstance(value, bool | None):
        raise InputError(f"{name} must be True or False, not {value!r}")
    return value
