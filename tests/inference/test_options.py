"""Options check themselves, and one that is of no use is an error."""

import subprocess
import sys
from typing import Any

import pytest

from fst.errors import InputError
from fst.inference.options import OF_PASS, PassOptions, check_names
from fst.inference.pixel_options import (
    OF_PIXELS,
    PixelOptions,
)
from fst.inference.ways import FOLLOWING, USED, check_used


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memory", 0), ("memory", "2GB"), ("memory", 1.5), ("backend", "abacus"), ("backend", 1),
        ("margin", 6), ("margin", -4), ("margin", 260), ("margin", "wide"), ("margin", False),
        ("circular", "yes"), ("circular", 1),
    ],
)  # fmt: skip
def test_a_wrong_pass_option_is_one_line(name: str, value: object) -> None:
    with pytest.raises(InputError) as caught:
        PassOptions(**{name: value})  # type: ignore[arg-type]
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_does_not_go_together_is_refused() -> None:
    for wrong in ({"margin": 8}, {"backend": "compile"}):
        with pytest.raises(InputError, match="--seamless"):
            PassOptions(circular=True, **wrong)  # type: ignore[arg-type]
    PassOptions(circular=True, margin=0, backend="auto")
    with pytest.raises(InputError, match=r"clamp.*adam"):
        PixelOptions(clamp=True)
    PixelOptions(clamp=True, optimizer="adam")
    PixelOptions(clamp=True, preset="course")


def test_what_was_not_chosen_is_not_given() -> None:
    assert PassOptions(backend="auto", circular=False).given() == {}
    assert PixelOptions().given() == {}
    assert PixelOptions(seed=0, clamp=False).given() == {"seed": 0, "clamp": False}


def test_an_option_of_use_to_one_of_the_ways_is_none_too_many() -> None:
    ways = {"feedforward": "'a' is painted in one pass", "optimize": "'b' is optimized"}
    check_used(["margin", "iterations"], ways)
    ways = {"feedforward": "'a' is painted in one pass", "refine": "'b' is refined"}
    with pytest.raises(InputError, match=r"seed .*'a' is painted in one pass, 'b' is refined"):
        check_used(["seed"], ways)


def test_every_option_of_a_way_can_be_chosen() -> None:
    choices = {*OF_PASS, *OF_PIXELS, *FOLLOWING}
    assert all(choices.issuperset(options) for options in USED.values())


def test_an_unknown_name_is_told_with_those_that_come_close() -> None:
    with pytest.raises(InputError, match=r"'iteration'.*iterations"):
        check_names(["iteration"], ["iterations", "init", "seed"])
    with pytest.raises(InputError, match=r"'qqq'.*init, iterations, seed"):
        check_names(["qqq"], ["iterations", "init", "seed"])


def test_options_are_read_without_torch() -> None:
    code = "import fst.inference.options, sys; print('torch' in sys.modules)"
    result: Any = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
