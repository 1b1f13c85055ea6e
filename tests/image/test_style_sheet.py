"""fst.image.style_sheet: where pictures and names lie on a sheet."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

from fst.image.style_sheet import GAP, NAME_SIZE, Cell, draw_sheet, lay_out, wrapped

FONT = ImageFont.load_default(NAME_SIZE)


def gray(value: float, height: int = 40, width: int = 150) -> torch.Tensor:
    return torch.full((1, 3, height, width), value)


def pixels(sheet: Image.Image) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(sheet).astype(int)


@pytest.mark.parametrize("count", [1, 2, 6, 30, 250, 1000])
@pytest.mark.parametrize("picture", [(256, 171), (171, 256), (256, 30), (30, 256)])
def test_columns_are_chosen_for_a_shape_that_fits_a_screen(
    count: int, picture: tuple[int, int]
) -> None:
    layout = lay_out(["a"] * count, picture)
    assert layout.columns * (layout.rows - 1) < count <= layout.columns * layout.rows
    width, height = layout.size
    if count >= 30:
        assert 1.0 < width / height < 2.2
    assert layout.column >= picture[0] + GAP


def test_as_many_columns_as_are_asked_for() -> None:
    assert lay_out(["a"] * 10, (200, 100), 4)[:2] == (4, 3)
    assert lay_out(["a"] * 3, (200, 100), 50)[:2] == (3, 1)


def test_every_picture_is_in_its_place_as_it_is() -> None:
    cells = [Cell(gray(i / 10), f"style {i}") for i in range(5)]
    layout = lay_out([cell.name for cell in cells], (150, 40), 2)
    sheet = pixels(draw_sheet(cells, 2))
    assert sheet.shape == (*layout.size[::-1], 3)
    for i in range(5):
        left, top = GAP + i % 2 * layout.column, GAP + i // 2 * layout.row
        picture = sheet[top : top + 40, left : left + 150]
        assert np.abs(picture - round(25.5 * i)).max() <= 1
        below = sheet[top + 40 : top + layout.row - GAP, left : left + 150]
        assert below.min() < 128  # its name
    assert (sheet[GAP + 2 * layout.row :, GAP + layout.column :] == 255).all()  # there is none
    assert (sheet[:GAP] == 255).all()
    assert (sheet[:, :GAP] == 255).all()


def test_the_painting_is_small_in_the_corner() -> None:
    plain, with_painting = (
        pixels(draw_sheet([Cell(gray(0.5), "a", painting=painting)]))
        for painting in (None, torch.zeros(1, 3, 80, 60))
    )
    changed = np.argwhere((plain != with_painting).any(2))
    (top, left), (bottom, right) = changed.min(0), changed.max(0) + 1
    assert (bottom, right) == (GAP + 40, GAP + 150)
    assert bottom - top <= 0.5 * 40 + 4
    assert right - left <= 0.5 * 40 + 4
    assert (with_painting[top + 4 : bottom - 4, left + 4 : right - 4] == 0).all()


@pytest.mark.parametrize("size", [(40, 300), (300, 40), (16, 16), (16, 400)])
def test_a_thin_picture_is_not_covered_by_its_painting(size: tuple[int, int]) -> None:
    cell = Cell(gray(1.0, *size), "a", "a note", torch.zeros(1, 3, 200, 200))
    sheet = pixels(draw_sheet([cell]))[: GAP + size[0]]
    assert 0 < (sheet < 128).all(2).sum() < 0.45 * size[0] * size[1]


def test_a_name_is_broken_where_words_end_and_cut_off_after_two_lines() -> None:
    assert wrapped("monet", FONT, 100) == ["monet"]
    lines = wrapped("anonymous_austrian_stained_glass", FONT, 160)
    assert "".join(lines) == "anonymous_austrian_stained_glass"
    assert len(lines) == 2
    assert lines[0].endswith("_")
    (one,) = wrapped("x" * 200, FONT, 130)
    assert one.endswith("…")
    many = wrapped("word " * 50, FONT, 130)
    assert len(many) == 2
    assert all(FONT.getlength(line) <= 130 for line in (*many, one))
    assert wrapped("", FONT, 130) == [""]
    assert wrapped("a\nb\tc", FONT, 130) == ["a b c"]
    assert wrapped("睡蓮 и ü", FONT, 130) == ["睡蓮 и ü"]


def test_a_row_is_as_high_as_its_names_need() -> None:
    short, long = (lay_out([name], (120, 80)) for name in ("a", "anonymous_austrian_stained_glass"))
    assert short.row < long.row
