"""fst.system.checks: what is allowed comes back plain, what is not is named in one line."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from fst.errors import InputError
from fst.system.checks import number, one_of, optional, stepped, switch, text, whole_number


def refusal(check: Callable[..., Any], *arguments: Any, **limits: Any) -> str:
    with pytest.raises(InputError) as caught:
        check(*arguments, **limits)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("value", [4, np.int64(4), np.uint8(4)])
def test_a_whole_number_comes_back_as_pythons(value: Any) -> None:
    got = whole_number("data.size", value, 1, 4)
    assert got == 4
    assert type(got) is int


@pytest.mark.parametrize(
    ("value", "said"),
    [(2.5, "2.5"), (4.0, "4.0"), (True, "true"), (None, "null"), ("4", "'4'"), ([4], r"[4]")],
)
def test_what_is_no_whole_number_is_shown_as_it_was_given(value: Any, said: str) -> None:
    message = refusal(whole_number, "data.size", value, 1)
    assert message.startswith("data.size must be a whole number of at least 1")
    assert message.endswith(f"not {said}")


@pytest.mark.parametrize(("value", "limits", "words"), [
    (0, (1, None), "at least 1"), (9, (None, 8), "at most 8"), (9, (1, 8), "from 1 to 8"),
])  # fmt: skip
def test_a_whole_number_outside_of_its_range_is_told_the_range(
    value: int, limits: tuple[int | None, int | None], words: str
) -> None:
    message = refusal(whole_number, "n", value, *limits)
    assert words in message
    assert message.endswith(f"not {value}")


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5)])
def test_a_number_comes_back_as_pythons(value: Any) -> None:
    got = number("strength", value, least=0, most=1)
    assert got == 0.5
    assert type(got) is float
    assert type(number("strength", 1)) is float  # a whole one, too


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), np.float32("nan"), True, None, "0.5", [0.5], 1j, 10**400]
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert refusal(number, "strength", value).startswith("strength must be a number, not ")


def test_limits_that_are_not_allowed_themselves() -> None:
    assert number("scale", 1, above=0, most=1) == 1
    assert number("ema", 0, least=0, below=1) == 0
    assert "above 0 and of at most 1" in refusal(number, "scale", 0, above=0, most=1)
    assert "below 1" in refusal(number, "ema", 1, least=0, below=1)
    assert "from 0 to 1" in refusal(number, "share", -0.1, 0, 1)


def test_a_number_of_even_steps_comes_back_as_pythons() -> None:
    for value in (0, np.int64(4), 256):
        made = stepped("margin", value, range(0, 257, 4))
        assert (made, type(made)) == (int(value), int)
    for wrong in (2, 260, -4, 4.0, "4", False, None):
        with pytest.raises(InputError, match=r"^margin must be 0, 4, 8 \.\.\. or 256, not "):
            stepped("margin", wrong, range(0, 257, 4))


def test_one_of_several_is_told_apart_by_its_type() -> None:
    assert one_of("cache", "auto", (True, False, "auto")) == "auto"
    assert one_of("cache", False, (True, False, "auto")) is False
    for value in (1, 0, "true", None, "perhaps"):
        message = refusal(one_of, "cache", value, (True, False, "auto"))
        assert "one of true, false, auto" in message


def test_a_list_is_none_of_several_texts() -> None:
    assert "[1]" in refusal(one_of, "source", [1], ("folder", "hub"))


def test_a_switch_is_true_or_false() -> None:
    assert switch("streaming", True) is True
    for value in (1, 0, "true", None):
        assert "streaming must be true or false" in refusal(switch, "streaming", value)


def test_a_text_is_not_empty() -> None:
    assert text("data.split", "train") == "train"
    for value in ("", "  ", 5, None, True, ["train"]):
        assert refusal(text, "data.split", value).startswith("data.split must be a text")


def test_what_may_be_left_out_says_so() -> None:
    assert optional(whole_number, "data.max_photos", None, 1) is None
    assert optional(whole_number, "data.max_photos", 3, 1) == 3
    message = refusal(optional, whole_number, "data.max_photos", 0, 1)
    assert "at least 1 (or null), not 0" in message


def test_a_long_value_does_not_make_a_long_line() -> None:
    message = refusal(whole_number, "data.size", {"a\n": list(range(1000))})
    assert len(message) < 200


def test_numbers_without_a_dimension_are_numbers() -> None:
    for value in (np.float32(0.5), np.array(0.5), torch.tensor(0.5)):
        assert number("x", value) == 0.5
        assert type(number("x", value)) is float
    for whole in (np.int64(3), np.array(3), torch.tensor(3)):
        assert whole_number("x", whole) == 3
    assert switch("x", np.True_) is True
    assert one_of("x", np.str_("a"), ("a", "b")) == "a"
    for wrong in (np.ones(1), np.float32("nan"), np.True_, torch.tensor(0.5, device="meta")):
        with pytest.raises(InputError, match="x must be a number"):
            number("x", wrong)
    with pytest.raises(InputError, match="too long"):
        whole_number("x", 10**5000, most=3)
