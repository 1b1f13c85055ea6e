"""A part of a clip, and sizes that players show."""

from dataclasses import replace
from fractions import Fraction

import pytest
from drawn_clips import Drawn

from fst.errors import InputError
from fst.image.picture import Picture, resize
from fst.inference.control import Control
from fst.inference.video.frames import About
from fst.inference.video.paint import as_picture
from fst.inference.video.piece import Painted, Piece, painted_size, with_even_sides


def numbers(piece: Piece, count: int = 20) -> list[float]:
    """The clip's times of the frames that are left, at ten a second."""
    painted = Painted(Drawn(count), piece, Control())
    frames = list(painted.frames())
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert painted.about.frames == len(frames)
    return [float(frame.time + piece.start) for frame in frames]


def test_all_of_it() -> None:
    assert numbers(Piece()) == [number / 10 for number in range(20)]
    assert "piece" not in Painted(Drawn(3), Piece(), Control()).about.details


def test_its_first_seconds() -> None:
    assert numbers(Piece(seconds=Fraction(1, 2))) == [0, 0.1, 0.2, 0.3, 0.4]


def test_from_somewhere_to_somewhere() -> None:
    assert numbers(Piece(Fraction(3, 2))) == [1.5, 1.6, 1.7, 1.8, 1.9]
    assert numbers(Piece(Fraction(3, 2), Fraction(1, 5))) == [1.5, 1.6]
    assert numbers(Piece(Fraction(3, 2), Fraction(99))) == [1.5, 1.6, 1.7, 1.8, 1.9]
    source = Drawn(20)
    source.about = replace(source.about, details={"start": Fraction(7)})  # as some files begin
    part = Painted(source, Piece(Fraction(1), Fraction(1, 2)), Control())
    assert part.about.details == {"start": 8, "piece": (8, Fraction(17, 2))}
    assert next(part.frames()).time == 0
    to_the_end = Painted(source, Piece(Fraction(1)), Control()).about
    assert (to_the_end.details["piece"], to_the_end.duration) == ((8, None), 1)


def test_behind_its_end_nothing_starts() -> None:
    with pytest.raises(InputError, match=r"drawn\.mp4 has 2 seconds.*--start"):
        Painted(Drawn(20), Piece(Fraction(2)), Control())


def test_what_is_not_known_is_not_made_up() -> None:
    source = Drawn(20)
    source.about = replace(source.about, frames=None, duration=None)
    assert Painted(source, Piece(Fraction(1)), Control()).about.frames is None


@pytest.mark.parametrize("upsample", [None, "bicubic"])
@pytest.mark.parametrize("size", [None, 16, 20, 31])
def test_the_size_is_the_one_that_pictures_get(size: int | None, upsample: str | None) -> None:
    if size is None and upsample is not None:
        return
    control = Control(size=size, upsample=upsample)
    frame: Picture = as_picture(next(Drawn(1).frames()))
    expected = frame if size is None or upsample else resize(frame, size)
    assert painted_size(Drawn(1).about, control) == expected.size


def about(width: int, height: int) -> About:
    return About(width, height, Fraction(25), None, None, Fraction(1, 25))


@pytest.mark.parametrize("size", range(200, 240))
def test_a_size_that_is_asked_for_gives_even_sides(size: int) -> None:
    for clip in (about(640, 360), about(1080, 1920), about(641, 361), about(720, 576)):
        even = with_even_sides(Control(size=size), clip)
        width, height = painted_size(clip, even)
        assert width % 2 == height % 2 == 0
        assert size - 32 < max(width, height) <= size
        assert width / height == pytest.approx(clip.width / clip.height, rel=0.01)


def test_what_fits_stays_and_so_does_what_is_brought_back() -> None:
    fits = Control(size=320)
    assert with_even_sides(fits, about(640, 360)) == fits
    assert with_even_sides(Control(), about(641, 361)) == Control()
    back = Control(size=321, upsample="guided")
    assert with_even_sides(back, about(640, 360)) == back
