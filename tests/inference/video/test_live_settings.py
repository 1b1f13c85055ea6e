"""Keys of fst live, and what is drawn on its picture."""

from dataclasses import replace

import numpy as np
import pytest
from support import make_photo

from fst.inference.video.live_settings import HELP, SHOWN_SIDE, Settings, drawn, pressed

START = Settings(("a", "b", "c"))


def after(keys: str | list[str], settings: Settings = START) -> Settings:
    for key in keys:
        settings = pressed(settings, key)
    return settings


def test_styles_go_round() -> None:
    assert [after("n" * count).name for count in range(5)] == ["a", "b", "c", "a", "b"]
    assert [after(["left"] * count).name for count in range(4)] == ["a", "c", "b", "a"]
    assert after(["right", "p"]) == START


def test_strength_goes_in_tenths_and_stays_in_its_range() -> None:
    assert after("---").strength == 0.7
    assert after("-" * 12).strength == 0
    assert after("-" * 12 + "+++").strength == 0.3
    assert after("=+").strength == 1


@pytest.mark.parametrize(
    ("key", "name"),
    [("m", "mirror"), ("t", "text"), ("h", "help"), ("f", "full"), ("space", "paused")],
)
def test_switches(key: str, name: str) -> None:
    once = pressed(START, key)
    assert once == replace(START, **{name: not getattr(START, name)})
    assert pressed(once, key) == START


def test_other_keys() -> None:
    assert [after([key]).ended for key in ("q", "esc", "closed", "x", "")] == [True] * 3 + [
        False
    ] * 2
    assert after("ss").snapshots == 2
    assert after(["x", "", "enter"]) == START


def test_what_is_drawn() -> None:
    pixels = np.asarray(make_photo(48, 36))
    bare = drawn(pixels, replace(START, text=False), 9)
    assert bare.shape == (36 * 15, 48 * 15, 3)  # the least multiple of at least SHOWN_SIDE
    assert max(bare.shape) >= SHOWN_SIDE
    text, keys = drawn(pixels, START, 9), drawn(pixels, replace(START, help=True), 9)
    middle = bare.shape[0] // 2
    changed = [(one != bare).any(2) for one in (text, keys)]
    assert changed[0][middle:].any()
    assert not changed[0][:middle].any()
    assert changed[1].sum() > len(HELP) * changed[0].sum() / 2
    for quiet in (replace(START, strength=0.5), replace(START, paused=True)):
        assert (drawn(pixels, quiet, 9) != text).any()
    large = np.asarray(make_photo(800, 600))
    assert np.array_equal(drawn(large, replace(START, text=False), 9), large)
    thin = np.asarray(make_photo(48, 2))
    assert drawn(thin, replace(START, help=True), 9).shape == (30, 720, 3)
