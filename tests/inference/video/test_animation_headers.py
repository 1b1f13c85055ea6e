"""What files say of their frames, beside what PIL wrote."""

import os
from fractions import Fraction
from pathlib import Path

import pytest
from support import make_photo

from fst.inference.video.animation_headers import is_animation, read_headers, shown_for


def save(path: Path, delay: float) -> Path:
    """Five pictures, each shown for so many milliseconds."""
    first, *others = [make_photo(seed=number) for number in range(5)]
    first.save(path, save_all=True, append_images=others, duration=delay)
    return path


@pytest.mark.parametrize(("delay", "shown"), [(0, 100), (10, 100), (20, 20), (30, 30)])
def test_short_delays_are_shown_as_browsers_do(delay: int, shown: int) -> None:
    assert shown_for(Fraction(delay, 1000)) == Fraction(shown, 1000)


def test_exact_delays_of_a_png(tmp_path: Path) -> None:
    headers = read_headers(save(tmp_path / "a.png", 1001 / 30))
    assert headers is not None
    assert headers.delays == (Fraction(1001, 30_000),) * 5


def test_what_is_no_animation(tmp_path: Path) -> None:
    still, text = tmp_path / "still.gif", tmp_path / "text.gif"
    make_photo().save(still)
    text.write_text("GIF, they said")
    make_photo().save(tmp_path / "still.png")
    make_photo().save(tmp_path / "still.webp")
    for path in (still, text, tmp_path / "still.png", tmp_path / "still.webp", tmp_path / "no"):
        assert not is_animation(path)
    os.mkfifo(tmp_path / "pipe.gif")
    assert not is_animation(tmp_path / "pipe.gif")
    assert is_animation(save(tmp_path / "a.webp", 40))
