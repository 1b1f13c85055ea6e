"""A sheet of one photo in many styles: pictures in rows, each with its style's name below."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from fst.image.picture import to_pil

GAP = 8
"""White pixels between and around the pictures."""

SHAPE = 1.5
"""Width of a sheet over its height, about which the number of columns is chosen."""

LEAST_WIDTH = 120
"""Pixels of a column: a name has to have room."""

NAME_SIZE, NOTE_SIZE = 14, 11
NAME_LINES = 2
INSET = 0.3
"""Long side of the painting in the corner, as a share of the picture's."""

INSET_MOST = 0.5
"""Of a side of the picture that the painting may take, where that is long and thin."""

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet.

    Attributes:
        picture: ``(1, 3, H, W)``, RGB in [0, 1]; of all cells of one size.
        name: what stands below it.
        note: what stands below that, smaller: title and painter.
        painting: ``(1, 3, H, W)``, shown small in the corner; None where it is not at hand.
    """

    picture: Tensor
    name: str
    note: str = ""
    painting: Tensor | None = None


class Layout(NamedTuple):
    """Where the cells of a sheet lie: how many in a row, and pixels."""

    columns: int
    rows: int
    column: int
    row: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet."""
        return GAP + self.columns * self.column, GAP + self.rows * self.row


def lay_out(names: Sequence[str], picture: tuple[int, int], columns: int | None = None) -> Layout:
    """So many columns that the sheet is about :data:`SHAPE` times as wide as high.

    Args:
        names: of the cells.
        picture: width and height of a picture in pixels.
        columns: so many instead.
    """
    room, count = max(LEAST_WIDTH, picture[0]), len(names)
    font = ImageFont.load_default(NAME_SIZE)
    lines = max(len(wrapped(name, font, room)) for name in names)
    label = lines * (NAME_SIZE + 3) + NOTE_SIZE + 6
    column, row = room + GAP, picture[1] + label + GAP

    def unshapely(columns: int) -> float:
        rows = math.ceil(count / columns)
        empty = (columns * rows - count) / count
        return abs(math.log(columns * column / (rows * row) / SHAPE)) + empty

    chosen = min(columns or min(range(1, count + 1), key=unshapely), count)
    return Layout(chosen, math.ceil(count / chosen), column, row)


def draw_sheet(cells: Sequence[Cell], columns: int | None = None) -> Image.Image:
    """The sheet, on white.

    Args:
        cells: from left to right and top to bottom; at least one.
        columns: how many in a row; None chooses.
    """
    height, width = cells[0].picture.shape[2:]
    layout = lay_out([cell.name for cell in cells], (width, height), columns)
    sheet = Image.new("RGB", layout.size, "white")
    draw = ImageDraw.Draw(sheet)
    for i, cell in enumerate(cells):
        left = GAP + (i % layout.columns) * layout.column
        top = GAP + (i // layout.columns) * layout.row
        room = layout.column - GAP
        picture = to_pil(cell.picture)
        if cell.painting is not None:
            _inset(picture, to_pil(cell.painting))
        sheet.paste(picture, (left + (room - width) // 2, top))
        _write(draw, cell, (left, top + height + 2), room)
    return sheet


def _inset(picture: Image.Image, painting: Image.Image) -> None:
    """Puts the painting into the lower right corner, in a white frame."""
    side = INSET * max(picture.size)
    box = [max(8, round(min(side, INSET_MOST * length))) for length in picture.size]
    small = ImageOps.contain(painting, (box[0], box[1]), Image.Resampling.LANCZOS)
    framed = ImageOps.expand(small, border=2, fill="white")
    picture.paste(framed, (picture.width - framed.width, picture.height - framed.height))


def _write(draw: ImageDraw.ImageDraw, cell: Cell, place: tuple[int, int], room: int) -> None:
    """Name and note below a picture, in the middle of its column."""
    large, small = (ImageFont.load_default(size) for size in (NAME_SIZE, NOTE_SIZE))
    middle, top = place[0] + room / 2, place[1]
    for line in wrapped(cell.name, large, room):
        draw.text((middle, top), line, fill="black", font=large, anchor="ma")
        top += NAME_SIZE + 3
    if cell.note:
        note = _cut(" ".join(cell.note.split()), small, room)
        draw.text((middle, top), note, fill="#666666", font=small, anchor="ma")


def wrapped(text: str, font: Font, room: float) -> list[str]:
    """A name in at most :data:`NAME_LINES` lines, broken behind ``_``, ``-``, ``:``, ``/``, spaces.

    Args:
        text: the name.
        font: that it is written in.
        room: pixels of a line; what does not fit is cut off.
    """
    lines = [""]
    for piece in _pieces(" ".join(text.split())):
        if lines[-1] and font.getlength(lines[-1] + piece) > room and len(lines) < NAME_LINES:
            lines.append("")
        lines[-1] += piece
    return [_cut(line.strip(), font, room) for line in lines]


def _pieces(text: str) -> list[str]:
    pieces = [""]
    for letter in text:
        pieces[-1] += letter
        if letter in "_-:/ ":
            pieces.append("")
    return pieces


def _cut(text: str, font: Font, room: float) -> str:
    """As much of a text as fits into a line."""
    if font.getlength(text) <= room:
        return text
    kept = len(text)
    while kept and font.getlength(text[:kept] + "…") > room:
        kept -= 1
    return text[:kept] + "…"
