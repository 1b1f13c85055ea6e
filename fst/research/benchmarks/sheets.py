"""A sheet of pictures in rows and columns, with words above and beside them."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from fst.image.picture import to_pil

FONT_SIZE, GAP = 16, 6
THUMBNAIL = 256
MOST_ROWS = 48
"""A sheet of more would be too large to be looked at, and for a JPEG from 220 on."""


def thumbnail(picture: Tensor, side: int) -> Image.Image:
    """A picture ``(1, 3, H, W)``, no larger than ``side`` x ``side``."""
    image = to_pil(picture)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return image


Row = tuple[str, Sequence[Image.Image]]
"""What stands above a row of a sheet, and its pictures."""


def labeled_sheet(columns: Sequence[str], rows: Sequence[Row]) -> Image.Image:
    """Draws a sheet.

    Args:
        columns: what stands above the pictures of each column, in one line or more.
        rows: at least one, each with as many pictures as there are columns.
    """
    font = ImageFont.load_default(FONT_SIZE)
    line = FONT_SIZE + GAP
    pictures = [picture for _, row in rows for picture in row]
    wide = max(picture.width for picture in pictures) + GAP
    heights = [max(picture.height for picture in row) + line + GAP for _, row in rows]
    head = line * max([1, *(len(words.splitlines()) for words in columns)]) + GAP
    sheet = Image.new("RGB", (len(columns) * wide + GAP, head + sum(heights)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, words in enumerate(columns):
        for number, words_of_line in enumerate(words.splitlines()):
            place_of_line = (GAP + place * wide, GAP + number * line)
            draw.text(place_of_line, words_of_line, fill="black", font=font)
    top = head
    for (words, row), height in zip(rows, heights, strict=True):
        draw.text((GAP, top), words, fill="gray", font=font)
        for place, picture in enumerate(row):
            sheet.paste(picture, (GAP + place * wide, top + line))
        top += height
    return sheet
