"""fst.interfaces.chosen_styles: what several ``--style`` mean."""

import pytest

from fst.errors import InputError
from fst.interfaces.arguments.stylize import parser
from fst.interfaces.chosen_styles import find_styles


def test_a_painting_that_is_there_twice_is_told_as_it_was_typed() -> None:
    twice = ["--style", "sea.png"] * 2 + ["--style-labels", "labels.png"] * 2
    options = parser().parse_args(["photo.png", "--labels", "labels.png", *twice])
    with pytest.raises(InputError, match=r"--style sea\.png is there twice.*--style-labels"):
        find_styles(options)
