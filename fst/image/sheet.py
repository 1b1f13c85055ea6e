"""Sheets of many pictures: how a net learned, made of its previews; what a style looks like."""

import math
import re
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps
from torch import Tensor

from fst.image.formats import open_picture
from fst.image.io import save_image
from fst.image.picture import _DECODER_ERRORS, from_pil, to_pil

PADDING = 4
"""White pixels between and around the pictures of a preview."""

ROWS = 12
PHOTOS = 3
THUMBNAIL = 160
FONT_SIZE = 20
GAP = 8


def write_contact_sheet(folder: Path, photos: int, styles: int = 1, first: int = 0) -> None:
    """Writes ``contact_sheet.png``: a row of painted photos for each preview, at most 12 rows.

    It is made from the previews' files alone, so a resumed run shows those of before as well.

    Args:
        folder: holds ``step_000500.png`` …: ``photos`` photos above, painted below.
        photos: how many photos a preview shows; the sheet takes the first 3.
        styles: how many rows of painted photos; the sheet takes them in turn.
        first: columns before those of the photos.

    Raises:
        InputError: it can't be written.
    """
    found = {path: re.fullmatch(r"step_(\d+)", path.stem) for path in folder.glob("step_*.png")}
    files = {int(match[1]): path for path, match in found.items() if match}
    rows = {
        step: _painted(files[step], photos, styles, first) for step in spread(sorted(files), ROWS)
    }
    rows = {step: thumbnails for step, thumbnails in rows.items() if thumbnails}
    if rows:
        save_image(folder / "contact_sheet.png", from_pil(_draw(rows)))


def spread(steps: list[int], count: int) -> list[int]:
    """At most ``count`` of the sorted steps: first, last, and between them at equal ratios."""
    if len(steps) <= count:
        return steps
    logarithms = {step: math.log(max(step, 1)) for step in steps}
    first, last = logarithms[steps[0]], logarithms[steps[-1]]
    chosen = {steps[0], steps[-1]}
    for i in range(1, count - 1):
        goal = first + (last - first) * i / (count - 1)
        rest = (step for step in steps if step not in chosen)
        chosen.add(min(rest, key=lambda step: abs(logarithms[step] - goal)))
    return sorted(chosen)


def _painted(path: Path, photos: int, styles: int, first: int) -> list[Image.Image]:
    """Thumbnails of a preview's painted rows; none where it is damaged or laid out otherwise.

    Another layout comes of a run resumed with other photos. PIL alone, because tensors take eight
    times as long, and a new net gets a preview at almost every step.
    """
    try:
        with open_picture(path, str(path)) as image:
            grid = image.convert("RGB")
    except _DECODER_ERRORS:
        return []
    wide, odd_columns = divmod(grid.width - PADDING, first + photos)
    tall, odd_rows = divmod(grid.height - PADDING, 1 + styles)
    if odd_columns or odd_rows or min(wide, tall) <= PADDING:
        return []
    scale = THUMBNAIL / (max(wide, tall) - PADDING)
    size = (round((wide - PADDING) * scale), round((tall - PADDING) * scale))
    places = [(first + i, 1 + i % styles) for i in range(min(photos, PHOTOS))]
    boxes = [
        (PADDING + x * wide, PADDING + y * tall, (x + 1) * wide, (y + 1) * tall) for x, y in places
    ]
    # cropped first: resizing a part looks at what lies around it
    return [grid.crop(box).resize(size, Image.Resampling.LANCZOS) for box in boxes]


def _draw(rows: dict[int, list[Image.Image]]) -> Image.Image:
    font = ImageFont.load_default(FONT_SIZE)
    labels = {step: f"step {step}" for step in rows}
    margin = math.ceil(max(font.getlength(label) for label in labels.values())) + 2 * GAP
    thumbnails = [thumbnail for row in rows.values() for thumbnail in row]
    wide = max(thumbnail.width for thumbnail in thumbnails) + GAP
    tall = max(thumbnail.height for thumbnail in thumbnails) + GAP
    columns = max(len(row) for row in rows.values())
    sheet = Image.new("RGB", (margin + columns * wide, GAP + len(rows) * tall), "white")
    draw = ImageDraw.Draw(sheet)
    for i, (step, row) in enumerate(rows.items()):
        top = GAP + i * tall
        middle = top + (tall - GAP) / 2
        draw.text((GAP, middle), labels[step], fill="black", font=font, anchor="lm")
        for j, thumbnail in enumerate(row):
            sheet.paste(thumbnail, (margin + j * wide, top))
    return sheet


def inset_sheet(pairs: Sequence[tuple[Tensor, Tensor]], columns: int = 2) -> Tensor:
    """Painted pictures at their full size, each with its photo in a corner.

    Args:
        pairs: painted and photo, ``(1, 3, H, W)`` in [0, 1] each, of one size.
        columns: how many in a row.

    Returns:
        ``(1, 3, H, W)``.
    """
    cells = []
    for painted, photo in pairs:
        cell, inset = to_pil(painted), to_pil(photo)
        inset = inset.resize((inset.width // 4, inset.height // 4), Image.Resampling.LANCZOS)
        framed = ImageOps.expand(inset, border=PADDING // 2, fill="white")
        cell.paste(framed, (0, cell.height - framed.height))
        cells.append(cell)
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    wide = max(cell.width for cell in cells)
    heights = [max(cell.height for cell in row) for row in rows]
    size = (columns * (wide + GAP) - GAP, sum(heights) + GAP * (len(rows) - 1))
    sheet = Image.new("RGB", size, "white")
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for j, cell in enumerate(row):
            left = j * (wide + GAP) + (wide - cell.width) // 2
            sheet.paste(cell, (left, top + (height - cell.height) // 2))
        top += height + GAP
    return from_pil(sheet).rgb
