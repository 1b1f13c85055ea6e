"""Settings, checked one by one: what is wrong is one line that names the setting.

Each function takes the setting's name, what was given, and what is allowed; it returns the value as
a plain Python one, NumPy's numbers included.
"""

import math
from collections.abc import Callable, Collection
from numbers import Integral, Real
from typing import Any, TypeVar

from fst.errors import InputError

_T = TypeVar("_T")


def whole_number(name: str, value: Any, least: int | None = None, most: int | None = None) -> int:
    """``value``, once it is known to be a whole number in a range.

    Args:
        name: of the setting, as users write it.
        value: what was given.
        least: the smallest number that is allowed; None is no limit.
        most: the largest.

    Raises:
        InputError: not a whole number (``True``, ``2.5``, ``"2"``), or outside of the range.
    """
    value = plain(value)
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if whole and (least is None or value >= least) and (most is None or value <= most):
        return int(value)
    raise InputError(f"{name} must be a whole number{_range(least, most)}, not {shown(value)}")


def stepped(name: str, value: Any, steps: range) -> int:
    """``value``, once it is known to be one of evenly spaced whole numbers, three at least.

    Raises:
        InputError: it is none of them.
    """
    value = plain(value)
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    if whole and value in steps:
        return int(value)
    first, second, third = steps[:3]
    raise InputError(
        f"{name} must be {first}, {second}, {third} ... or {steps[-1]}, not {shown(value)}"
    )


def number(
    name: str,
    value: Any,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> float:
    """``value``, once it is known to be a finite number in a range.

    Args:
        name: of the setting, as users write it.
        value: what was given.
        least: the smallest number that is allowed; None is no limit.
        most: the largest.
        above: a number that it has to exceed.
        below: a number that it has to stay under.

    Raises:
        InputError: not a number (``True``, ``"2"``, NaN, infinity), or outside of the range.
    """
    value = plain(value)
    if (found := _finite(value)) is not None:
        fits = (least is None or found >= least) and (most is None or found <= most)
        if fits and (above is None or found > above) and (below is None or found < below):
            return found
    limits = _range(least, most, above, below)
    raise InputError(f"{name} must be a number{limits}, not {shown(value)}")


def one_of(name: str, value: Any, options: Collection[_T]) -> _T:
    """The option that ``value`` is; ``1`` is not ``True``, and ``"true"`` is not either.

    Raises:
        InputError: none of them.
    """
    value = plain(value)
    for option in options:
        if type(option) is type(value) and option == value:
            return option
    names = ", ".join(_spelled(option) for option in options)
    raise InputError(f"{name} must be one of {names}, not {shown(value)}")


def switch(name: str, value: Any) -> bool:
    """``value``, once it is known to be true or false.

    Raises:
        InputError: anything else, 0 and 1 included.
    """
    value = plain(value)
    if isinstance(value, bool):
        return value
    raise InputError(f"{name} must be true or false, not {shown(value)}")


def text(name: str, value: Any) -> str:
    """``value``, once it is known to be a text that is not empty.

    Raises:
        InputError: anything else.
    """
    if isinstance(value, str) and value.strip():
        return value
    raise InputError(f"{name} must be a text that is not empty, not {shown(value)}")


def optional(check: Callable[..., _T], name: str, value: Any, *limits: Any) -> _T | None:
    """None where ``value`` is None, else what ``check`` says of it.

    Raises:
        InputError: as ``check`` does, adding that nothing (null) is allowed, too.
    """
    if value is None:
        return None
    try:
        return check(name, value, *limits)
    except InputError as error:
        said, _, given = str(error).rpartition(", not ")
        raise InputError(f"{said} (or null), not {given}") from None


def plain(value: Any) -> Any:
    """A number, truth value or text of NumPy's or torch's as Python's; all else as it is.

    These are NumPy's scalars, and arrays and tensors without a dimension.
    """
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        try:
            return value.item()
        except (RuntimeError, TypeError, ValueError):  # one that has no value: torch's meta
            return value
    return value


def shown(value: Any) -> str:
    """What was given, on one line and not too long; as YAML has it where that differs."""
    if value is None or isinstance(value, bool):
        return _spelled(value)
    try:
        return _short(repr(value))
    except ValueError:  # Python refuses to write a whole number of thousands of digits
        return f"a {type(value).__name__} that is too long to be shown"


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        found = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return found if math.isfinite(found) else None


def _short(written: str) -> str:
    written = " ".join(written.split())
    return written if len(written) <= 80 else f"{written[:77]}..."


def _spelled(option: Any) -> str:
    plain: dict[Any, str] = {None: "null", True: "true", False: "false"}
    known = option is None or isinstance(option, bool)
    return plain[option] if known else str(option)


def _range(
    least: float | None,
    most: float | None,
    above: float | None = None,
    below: float | None = None,
) -> str:
    """The limits in words: ``" from 1 to 5"``, ``" of at least 1"``, ``" above 0, at most 1"``."""
    if least is not None and most is not None and above is None and below is None:
        return f" from {least} to {most}"
    said = {"of at least": least, "above": above, "of at most": most, "below": below}
    limits = [f"{words} {limit}" for words, limit in said.items() if limit is not None]
    return f" {' and '.join(limits)}" if limits else ""
