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


@pytest.mark.parametrize(
    ("styles", "shares"),
    [
        (["sea.png", "hills.png"], "--style sea.png=0.5 --style hills.png=0.5"),
        (["sea.png=0.4", "a b.png"], "--style sea.png=0.5 --style 'a b.png'=0.5"),
    ],
)
def test_several_styles_without_masks_may_have_shares(styles: list[str], shares: str) -> None:
    words = [word for style in styles for word in ("--style", style)]
    with pytest.raises(InputError, match=r"2 styles and 0 masks.*--mask") as caught:
        find_styles(parser().parse_args(["photo.png", *words]))
    assert shares in str(caught.value)
    with pytest.raises(InputError, match="2 styles and 1 mask:") as caught:
        find_styles(parser().parse_args(["photo.png", *words, "--mask", "a.png"]))
    assert "share" not in str(caught.value)
