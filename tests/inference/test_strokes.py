"""fst.inference.strokes: a photo is painted smaller, and its strokes grow."""

import math

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.inference.strokes import Strokes, learned_size
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle


def dots(photo: Tensor) -> Tensor:
    """A net that paints stripes of 8 pixels, whatever it sees."""
    return (torch.arange(photo.shape[3]) // 4 % 2).float().expand_as(photo).clone()


def period(painted: Tensor) -> float:
    """Of the strongest wave along x, in pixels."""
    row = painted[0].mean((0, 1))
    power = torch.fft.rfft(row - row.mean()).abs()
    return len(row) / int(power.argmax())


PHOTO = torch.full((1, 3, 64, 256), 0.5)


@pytest.mark.parametrize(("wanted", "pixels"), [(512, 8), (1024, 16), (2048, 32), (256, 4)])
def test_strokes_grow_with_the_size_that_is_wanted(wanted: int, pixels: int) -> None:
    painted = Strokes(wanted, 512).painted(PHOTO, dots)
    assert painted.shape == PHOTO.shape
    assert 0 <= float(painted.min()) <= float(painted.max()) <= 1
    assert period(painted) == pytest.approx(pixels, rel=0.01)


def test_a_photo_is_shown_as_large_as_the_strokes_ask_for() -> None:
    shown = []

    def paint(photo: Tensor) -> Tensor:
        shown.append(tuple(photo.shape[2:]))
        return photo

    Strokes(1024, 512).painted(torch.rand(1, 3, 101, 203), paint)
    assert shown == [(50, 102)]  # halves are rounded to even


def test_what_the_net_has_learned_is_painted_as_it_is() -> None:
    photo = torch.rand(1, 3, 40, 60)
    for strokes in (Strokes(512, 512), Strokes("small", 512), Strokes("large", 512)):
        assert Strokes.painted(strokes, photo, lambda shown: shown) is photo


@pytest.mark.parametrize(
    ("word", "side", "scale"),
    [("small", 2048, 1), ("medium", 2048, 1 / 2), ("large", 2048, 1 / 4), ("large", 300, 1)],
)
def test_words_follow_the_photos_proportions(word: str, side: int, scale: float) -> None:
    assert math.isclose(Strokes(word, 512).scale(side), scale)


def test_edges_stay_where_the_photo_has_them() -> None:
    photo = torch.zeros(1, 3, 128, 128)
    photo[..., 37:] = 1  # within a pixel of the small picture
    painted = Strokes(2048, 512).painted(photo, lambda shown: shown)
    assert float((painted - photo).abs().max()) < 0.1


def test_what_tiles_goes_on_tiling() -> None:
    wave = torch.sin(torch.arange(96) * 2 * torch.pi / 96) / 2 + 0.5
    photo = wave.expand(1, 3, 64, 96).clone()
    painted = Strokes(1024, 512).painted(photo, lambda shown: shown, tiles=True)
    step = (painted[..., 0] - painted[..., -1]).abs().max()
    assert float(step) < 0.05
    torch.testing.assert_close(painted, photo, atol=0.02, rtol=0)


def test_strokes_that_cant_be_are_refused() -> None:
    with pytest.raises(InputError, match=r"no finer than stroke_size 256 .*not 255"):
        Strokes(255, 512)
    with pytest.raises(InputError, match=r"leave 26 x 6 pixels of a photo of 256 x 64"):
        Strokes(5120, 512).painted(PHOTO, dots)


@pytest.mark.parametrize(
    ("about", "shares", "sizes", "learned"),
    [
        ({"size": 300}, {}, {}, 300),
        ({}, {}, {}, 512),
        ({}, {"a": 0.5, "b": 0.5}, {}, 512),
        ({}, {"a": 0.5, "b": 0.5}, {"a": 256, "b": 256}, 256),
        ({}, {"a": 0.5, "b": 0.5}, {"a": 256, "b": 512}, 362),
        ({}, {"a": 0.999, "b": 0.001}, {"a": 300, "b": 512}, 300),
    ],
)
def test_a_style_says_what_its_net_has_learned(
    about: dict[str, int], shares: dict[str, float], sizes: dict[str, int], learned: int
) -> None:
    net = TrainedStyle(torch.nn.Identity(), {"sizes": sizes})
    assert learned_size(Style("x", "x", about, trained=net, shares=shares)) == learned


def test_a_word_fits_a_thin_photo_too() -> None:
    photo = torch.rand(1, 3, 20, 1600)
    shown = []

    def paint(picture: Tensor) -> Tensor:
        shown.append(tuple(picture.shape[2:]))
        return picture

    assert Strokes("large", 512).painted(photo, paint).shape == photo.shape
    assert shown == [(16, 1280)]
