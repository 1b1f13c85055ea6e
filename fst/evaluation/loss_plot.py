"""The losses of an optimization as a picture: one panel of terms, one of layers."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from fst.evaluation.charts import Points, chart
from fst.image.record import png_text
from fst.system.files import atomic_file

COLORS = (
    "#1f1f1f", "#c8452c", "#2f6fb0", "#3f9142", "#8a5bb0", "#d08a1e", "#1f9aa0", "#b04a7e",
    "#7a7a2e", "#5a6b7b", "#a0522d", "#4b4bd0",
)  # fmt: skip
"""Of the lines, one after the other; on white each can be told from its neighbors."""

WIDTH, HEIGHT = 640, 300
"""Of a panel's inside, in pixels."""

LEFT, RIGHT, TOP, BOTTOM = 74, 216, 40, 46
TEXT, NAME = 13, 16

TERMS = ("total", "content", "style", "tv")


def write_plot(
    path: Path,
    lines: Mapping[str, Points],
    title: str,
    overwrite: bool = False,
    record: Mapping[str, Any] | None = None,
) -> None:
    """Writes the plot as a PNG, whole or not at all.

    Args:
        path: of the file.
        lines: name of a loss -> (iteration, value); those of layers as ``"style/relu1_1"``.
        title: what was optimized.
        overwrite: replace what is there.
        record: what the file says of how the picture was painted.

    Raises:
        OSError: the disk is full, and the like; something is there and may not be replaced.
    """
    picture = draw_plot(lines, title)
    texts = None if record is None else png_text(record)
    with atomic_file(path, overwrite) as temporary:
        picture.save(temporary, "PNG", pnginfo=texts)


def draw_plot(lines: Mapping[str, Points], title: str) -> Image.Image:
    """The panels, one above the other, on white; the vertical axes are logarithmic.

    A loss that is nowhere above 0 has no line, as its weight is 0.
    """
    terms = {name: lines[name] for name in TERMS if name in lines}
    layers = {name: points for name, points in lines.items() if name not in TERMS}
    panels = [(title, _positive(terms)), ("layers", _positive(layers))]
    last = max([1.0, *(points[-1][0] for points in lines.values() if points)])
    drawn = [(name, chart(name, of, last, HEIGHT, WIDTH)) for name, of in panels if of]
    height = TOP + HEIGHT + BOTTOM
    sheet = Image.new("RGB", (LEFT + WIDTH + RIGHT, height * max(1, len(drawn))), "white")
    draw = ImageDraw.Draw(sheet)
    for place, (name, about) in enumerate(drawn):
        assert about is not None  # there are points
        _panel(draw, name, about, place * height + TOP)
    return sheet


def _positive(lines: Mapping[str, Points]) -> dict[str, Points]:
    kept = {
        name: [(x, y) for x, y in points if y > 0 and math.isfinite(y)]
        for name, points in lines.items()
    }
    return {name: points for name, points in kept.items() if points}


def _panel(draw: ImageDraw.ImageDraw, name: str, about: Mapping[str, Any], top: int) -> None:
    small, large = ImageFont.load_default(TEXT), ImageFont.load_default(NAME)
    right, bottom = LEFT + WIDTH, top + HEIGHT
    draw.text((LEFT, top - 14), name[:80], fill="black", font=large, anchor="ls")
    for label, at in about["ticks"]:
        draw.line([(LEFT, top + at), (right, top + at)], fill="#e4e4e4")
        draw.text((LEFT - 8, top + at), label, fill="#555555", font=small, anchor="rm")
    for step in whole_steps(about["last"]):
        x = LEFT + WIDTH * step / about["last"]
        draw.line([(x, bottom), (x, bottom + 5)], fill="#555555")
        draw.text((x, bottom + 8), str(step), fill="#555555", font=small, anchor="ma")
    draw.text((LEFT + WIDTH / 2, bottom + 25), "iteration", fill="#555555", font=small, anchor="ma")
    draw.line([(LEFT, top), (LEFT, bottom), (right, bottom)], fill="#555555")
    colors = dict(zip(about["lines"], _cycled(len(about["lines"])), strict=True))
    for kind, points in about["lines"].items():
        placed = [(LEFT + x, top + y) for x, y in points]
        draw.line(placed, fill=colors[kind], width=2, joint="curve")
        if len(placed) == 1:
            (x, y), reach = placed[0], 3
            draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=colors[kind])
    ends = sorted((points[-1][1], kind) for kind, points in about["lines"].items())
    heights = _spread([end for end, _ in ends], TEXT + 4, HEIGHT)
    for (_, kind), y in zip(ends, heights, strict=True):
        said = f"{kind}  {about['ends'][kind]}"
        draw.text((right + 10, top + y), said, fill=colors[kind], font=small, anchor="lm")


def whole_steps(last: int) -> list[int]:
    """Five iterations for the axis, evenly spread; of a few, all there are."""
    return sorted({round(last * part / 4) for part in range(5)})


def _cycled(count: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(count)]


def _spread(heights: Sequence[float], least: float, most: float) -> list[float]:
    """The heights, ascending, moved apart so that no label covers another."""
    spread: list[float] = []
    for height in heights:
        spread.append(max(height, spread[-1] + least) if spread else height)
    if spread:
        spread[-1] = min(spread[-1], most)
    for place in range(len(spread) - 2, -1, -1):  # those above make room
        spread[place] = min(spread[place], spread[place + 1] - least)
    return spread
