"""What single modules of the page compute."""

from typing import Any

import pytest


def of(page: Any, module: str, call: str) -> Any:
    """What a function that a module exports gives."""
    return page.evaluate(f"async () => (await import('/static/{module}.js')).{call}")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3599, "1 h"), (3900, "1 h 5 min")],
)
def test_seconds_are_told_as_one_says_them(page: Any, seconds: float, said: str) -> None:
    assert of(page, "jobs", f"duration({seconds})") == said


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Café at Night.JPG", "cafe_at_night"),
        ("../..//.jpg", "my_style"),
        ("dawn.png", "dawn_2"),
        ("日本.png", "my_style"),
        ("a" * 99 + ".png", "a" * 36),
    ],
)
def test_a_files_name_makes_a_name_that_no_style_has(page: Any, file: str, name: str) -> None:
    assert of(page, "trainform", f"nameFrom({file!r}, (name) => name === 'dawn')") == name


@pytest.mark.parametrize("name", ["", "a b", "ä", "-a", "a/b", "..", "dawn"])
def test_a_name_that_cant_be_is_told_in_a_sentence(page: Any, name: str) -> None:
    sentence = of(page, "trainform", f"nameTrouble({name!r}, (name) => name === 'dawn')")
    assert sentence.endswith(".")


def test_a_good_name_is_not_told_off(page: Any) -> None:
    assert of(page, "trainform", "nameTrouble('Van-Gogh_2', () => false)") == ""


@pytest.mark.parametrize(("value", "said"), [(0, "0"), (2.3456, "2.35"), (1234.5, "1230"), (1e-5, "1.0e-5")])
def test_a_figure_has_three_digits(page: Any, value: float, said: str) -> None:
    assert of(page, "curve", f"figure({value})") == said
