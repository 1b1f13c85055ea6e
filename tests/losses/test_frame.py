"""fst.losses.frame: the border is painted as the same place would be in the middle."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fst.losses.frame import CUT, SMALLEST, frame_error
from fst.nets.johnson import JohnsonNet

SIDES = ("top", "bottom", "left", "right")

Paint = Callable[[Tensor], Tensor]


def photos(n: int = 2, h: int = 160, w: int = 192) -> Tensor:
    return torch.rand(n, 3, h, w, generator=torch.Generator().manual_seed(1))


def from_side(pictures: Tensor, side: str) -> Tensor:
    """How many pixels each one is away from a border."""
    h, w = pictures.shape[2:]
    rows, columns = torch.arange(h).view(-1, 1).expand(h, w), torch.arange(w).expand(h, w)
    away = {"top": rows, "bottom": h - 1 - rows, "left": columns, "right": w - 1 - columns}
    return away[side]


def framed(side: str, thick: int = 12) -> Paint:
    """Paints a red band along a border."""
    red = torch.tensor([0.9, 0.2, 0.1]).view(1, 3, 1, 1)
    return lambda pictures: torch.where(from_side(pictures, side) < thick, red, pictures)


def error(paint: Paint, draw: int, pictures: Tensor | None = None) -> Tensor:
    pictures = photos() if pictures is None else pictures
    return frame_error(paint, pictures, paint(pictures), draw)


def cutting(side: str) -> int:
    """A draw by which this side is cut off."""
    for draw in range(50):
        parts: list[Tensor] = []
        marked = (from_side(photos(1), side) < CUT) * torch.ones(1, 3, 1, 1)
        frame_error(lambda part, parts=parts: parts.append(part) or part, marked, marked, draw)
        if float(parts[0].max()) == 0:
            return draw
    raise AssertionError(side)


def test_what_knows_no_border_has_no_error() -> None:
    assert error(lambda x: 1 - x, 3).tolist() == [0, 0]


@pytest.mark.parametrize("side", SIDES)
def test_a_frame_is_seen_at_a_new_border_alone(side: str) -> None:
    across = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}[side]
    assert error(framed(side), cutting(side)).min() > 0.02
    assert error(framed(side), cutting(across)).tolist() == [0, 0]


@pytest.mark.parametrize("side", SIDES)
def test_a_wider_frame_is_a_larger_error(side: str) -> None:
    errors = [error(framed(side, thick), cutting(side)).sum() for thick in (4, 8, 16, 24)]
    assert errors == sorted(errors)
    assert errors[0] > 0


@pytest.mark.parametrize("side", SIDES)
def test_no_pixel_is_left_out_at_any_size(side: str) -> None:
    odd = photos(1, 141, 155)
    assert error(framed(side, 1), cutting(side), odd).min() > 1e-3


@pytest.mark.parametrize("side", SIDES)
def test_thin_lines_along_a_border_are_seen_and_short_strokes_are_not(side: str) -> None:
    def lines(pictures: Tensor) -> Tensor:
        """A light line of two pixels beside a dark one: no square of 8 is lighter for them."""
        away = from_side(pictures, side)
        return pictures + 0.3 * ((away < 2).float() - ((away >= 2) & (away < 4)).float())

    def strokes(pictures: Tensor) -> Tensor:
        """The same, in strokes of four pixels, light and dark in turn."""
        along = from_side(pictures, "left" if side in ("top", "bottom") else "top")
        return pictures + (lines(pictures) - pictures) * (1 - 2.0 * (along // 4 % 2))

    draw = cutting(side)
    assert error(lines, draw).min() > 0.005
    assert error(strokes, draw).sum() < error(lines, draw).sum() / 10


def test_the_middle_has_nothing_to_learn_from_the_border() -> None:
    painted = (photos() - 0.1).requires_grad_()
    shift = torch.zeros((), requires_grad=True)
    frame_error(lambda x: x + shift, photos(), painted, 1).sum().backward()
    assert painted.grad is None
    assert shift.grad is not None
    assert float(shift.grad) > 0


def test_a_paler_picture_has_no_smaller_error() -> None:
    draw = cutting("top")
    strong, pale = (error(lambda x, s=s: 0.5 + s * framed("top")(x), draw) for s in (1.0, 0.25))
    assert strong.min() > 0.02
    torch.testing.assert_close(strong, pale, rtol=1e-3, atol=1e-6)


def test_nothing_is_learned_from_a_part_that_shows_nothing() -> None:
    torch.manual_seed(0)
    net = JohnsonNet(width=4, residual_blocks=1)
    white = torch.ones(1, 3, 128, 128)
    white[:, :, :24] = photos(1, 24, 128)
    learned = {}
    for side in ("top", "bottom"):
        net.zero_grad()
        frame_error(net, white, net(white), cutting(side)).sum().backward()
        learned[side] = max(float(weight.grad.abs().max()) for weight in net.parameters())
    assert learned["top"] == 0
    assert learned["bottom"] > 0


def test_smaller_photos_are_refused() -> None:
    small = photos(1, SMALLEST, SMALLEST - 1)
    with pytest.raises(ValueError, match="from 128 pixels"):
        frame_error(lambda x: x, small, small, 0)
