"""fst.losses.frame: the border is painted as the same place would be in the middle."""

import pytest
import torch
from torch import Tensor

from fst.losses.frame import CUT, LEAST, frame_error


def photos(n: int = 2, h: int = 128, w: int = 160) -> Tensor:
    return torch.rand(n, 3, h, w, generator=torch.Generator().manual_seed(1))


def framed(pictures: Tensor, thick: int = 12) -> Tensor:
    """As they are, with a red band along the upper border."""
    red = torch.tensor([0.9, 0.2, 0.1]).view(1, 3, 1, 1)
    top = (torch.arange(pictures.shape[2]) < thick).view(1, 1, -1, 1)
    return torch.where(top, red, pictures)


def test_what_knows_no_border_has_no_error() -> None:
    assert frame_error(lambda x: 1 - x, photos(), 1 - photos(), 3).tolist() == [0, 0]


def test_a_frame_is_seen_where_its_side_is_kept_after_a_cut() -> None:
    seen, painted = [], framed(photos())
    for draw in range(12):
        corner: list[Tensor] = []

        def paint(part: Tensor, corner: list[Tensor] = corner) -> Tensor:
            corner.append(part)
            return framed(part)

        error = frame_error(paint, photos(), painted, draw)
        assert error.shape == (2,)
        assert corner[0].shape == (2, 3, 128 - CUT, 160 - CUT)
        # the part begins where the photo begins, or is cut off there: then it has a new border
        cut_above = not torch.equal(corner[0][:, :, 0, :8], photos()[:, :, 0, :8]) and not (
            torch.equal(corner[0][:, :, 0, -8:], photos()[:, :, 0, -8:])
        )
        assert (error > 0.05).all() if cut_above else (error == 0).all()
        seen.append(cut_above)
    assert 0 < sum(seen) < len(seen)


def test_a_wider_frame_is_a_larger_error() -> None:
    draw = next(draw for draw in range(20) if loss(8, draw) > 0)
    assert 0 < loss(8, draw) < loss(16, draw) < loss(24, draw)


def loss(thick: int, draw: int) -> float:
    made = framed(photos(), thick)
    return frame_error(lambda x: framed(x, thick), photos(), made, draw).sum().item()


def test_thin_lines_along_a_border_are_seen_and_short_strokes_are_not() -> None:
    draw, gray = next(draw for draw in range(20) if loss(8, draw) > 0), photos()
    rows, columns = torch.arange(128).view(1, 1, -1, 1), torch.arange(160).view(1, 1, 1, -1)

    def lined(pictures: Tensor) -> Tensor:
        """A light line of two pixels over a dark one: no square of 8 is lighter for them."""
        return (
            pictures
            + 0.3 * ((rows < 2) * 1.0 - ((rows >= 2) & (rows < 4)) * 1.0)[:, :, : pictures.shape[2]]
        )

    def stroked(pictures: Tensor) -> Tensor:
        """The same, in strokes of four pixels, light and dark in turn."""
        turns = 1 - 2.0 * (columns // 4 % 2)
        return pictures + (lined(pictures) - pictures) * turns[..., : pictures.shape[3]]

    lines, strokes = (
        frame_error(paint, gray, paint(gray), draw).sum().item() for paint in (lined, stroked)
    )
    assert lines > 0.02
    assert strokes < lines / 50


def test_the_middle_has_nothing_to_learn_from_the_border() -> None:
    painted = (photos() - 0.1).requires_grad_()
    shift = torch.zeros((), requires_grad=True)
    frame_error(lambda x: x + shift, photos(), painted, 1).sum().backward()
    assert painted.grad is None
    assert shift.grad is not None
    assert float(shift.grad) > 0


def test_a_paler_picture_has_no_smaller_error() -> None:
    strong, pale = (
        frame_error(lambda x, s=s: 0.5 + s * framed(x), photos(), 0.5 + s * framed(photos()), 2)
        for s in (1.0, 0.25)
    )
    torch.testing.assert_close(strong, pale, rtol=1e-3, atol=1e-6)


def test_small_photos_are_cut_less_and_smaller_ones_refused() -> None:
    shapes = []
    small = photos(1, LEAST, 48)
    frame_error(lambda x: shapes.append(tuple(x.shape[2:])) or x, small, small, 0)
    assert shapes == [(24, 40)]
    with pytest.raises(ValueError, match="from 32 pixels"):
        frame_error(lambda x: x, small[..., :31], small[..., :31], 0)
