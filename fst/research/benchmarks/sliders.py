"""``fst benchmark sliders``: what style weight and stroke size change in a pass for any painting.

A slider is one only if it is monotone: a higher style weight has to give less style error and more
content error; larger strokes have to be nearer to the painting seen large, and farther from the
painting seen small.
"""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from torch import Tensor

from fst.errors import InputError
from fst.evaluation.photos import count, find_photos, shown_name
from fst.image.painting import load_painting
from fst.research.benchmarks.judged import (
    Judge,
    Terms,
    any_painting,
    check_any,
    find_paintings,
    judging_weights,
    means,
    predict,
    read_squares,
    unseen,
)
from fst.research.benchmarks.output import Output, console, progress, show
from fst.research.benchmarks.sheets import MOST_ROWS, THUMBNAIL, Row, thumbnail
from fst.styles.predicted import AnyPainting, Asked
from fst.system.device import pick_device, pick_precision


@dataclass(frozen=True)
class Slider:
    """One of the two, while the other stays.

    ``sizes`` are those in pixels at which the judge sees the painting.
    """

    name: str
    positions: Sequence[Asked]
    sizes: Sequence[int]

    def value(self, asked: Asked) -> float:
        """Where the slider stands."""
        found: float = getattr(asked, self.name)
        return found


Found = Mapping[Asked, Mapping[int, Terms]]
"""Of one painting, means over photos: position -> size that the judge sees -> terms."""


def sliders(
    weights: Sequence[float], strokes: Sequence[int], usual: Asked
) -> tuple[Slider, Slider]:
    """Both, each with the other where it usually stands.

    Raises:
        InputError: a single position of one, or one that the net was not trained for.
    """
    weights, strokes = sorted(set(weights)), sorted(set(strokes))
    for option, given in (("--style-weights", weights), ("--stroke-sizes", strokes)):
        if len(given) < 2:
            raise InputError(f"{option}: two values or more, to see what changes between them")
    return (
        Slider(
            "style_weight",
            [Asked(weight, usual.stroke_size) for weight in weights],
            [usual.stroke_size],
        ),
        Slider(
            "stroke_size",
            [Asked(usual.style_weight, stroke) for stroke in strokes],
            [strokes[0], strokes[-1]],
        ),
    )


def expected(slider: Slider) -> dict[str, tuple[Callable[[Mapping[int, Terms]], float], int]]:
    """What has to be monotone in a slider: in words -> its value, and 1 if it rises, or else -1."""
    small, large = slider.sizes[0], slider.sizes[-1]
    if slider.name == "style_weight":
        return {
            "content": (lambda terms: terms[small].content, 1),
            f"style at {small} px": (lambda terms: terms[small].style, -1),
        }
    return {
        f"style at {small} px": (lambda terms: terms[small].style, 1),
        f"style at {large} px": (lambda terms: terms[large].style, -1),
    }


def is_monotone(values: Sequence[float], sign: int) -> bool:
    """Whether values rise (``sign`` 1) or fall (-1) all the way."""
    return all(sign * (b - a) > 0 for a, b in pairwise(values))


def measure(
    net: AnyPainting, judge: Judge, slider: Slider, file: Path, dtype: torch.dtype
) -> tuple[Found, list[Tensor]]:
    """Paints all photos in the style of one painting at every position, and judges.

    Returns:
        What was found, and the pictures of the first photo.
    """
    grams = {size: judge.grams(load_painting(file, size)) for size in slider.sizes}
    found: dict[Asked, dict[int, Terms]] = {}
    shown = []
    for asked in slider.positions:
        painter = predict(net, load_painting(file, asked.stroke_size), asked, dtype)
        painted = {name: painter(photo) for name, photo in judge.photos.items()}
        shown.append(next(iter(painted.values())))
        found[asked] = {
            size: means([judge.terms(name, picture, of) for name, picture in painted.items()])
            for size, of in grams.items()
        }
    return found, shown


def tell(slider: Slider, found: Sequence[Found], photos: int, judge: str) -> dict[str, Any]:
    """Prints means over paintings by position, and what is monotone; returns the figures."""
    words = slider.name.replace("_", " ")
    other = slider.positions[0]
    fixed = (f"stroke size {other.stroke_size} px" if slider.name == "style_weight"
             else f"style weight {other.style_weight:g}")  # fmt: skip
    title = (f"{words} ({fixed}): means over {count(len(found), 'painting')} x "
             f"{count(photos, 'photo')}, judged by {judge}")  # fmt: skip
    columns = ["content", *(f"style at {size} px" for size in slider.sizes)]
    table = Table(words, *columns)
    rows = []
    for asked in slider.positions:
        by_size = {size: means([one[asked][size] for one in found]) for size in slider.sizes}
        content = by_size[slider.sizes[0]].content
        styles = [terms.style for terms in by_size.values()]
        rows.append({"position": slider.value(asked), "content": content,
                     "style": dict(zip(map(str, slider.sizes), styles, strict=True))})  # fmt: skip
        table.add_row(f"{slider.value(asked):g}", *(f"{value:.4f}" for value in (content, *styles)))
    show(title, table)
    monotone = {}
    for what, (value, sign) in expected(slider).items():
        every = [[value(one[asked]) for asked in slider.positions] for one in found]
        mean = [sum(values) / len(values) for values in zip(*every, strict=True)]
        kept = sum(is_monotone(values, sign) for values in every)
        way = "rises" if sign > 0 else "falls"
        monotone[what] = {"mean": is_monotone(mean, sign), "paintings": kept}
        answer = "yes" if monotone[what]["mean"] else "NO"
        print(f"{what} {way} with the {words}: {answer} in the mean, and for {kept} of "
              f"{count(len(found), 'painting')}")  # fmt: skip
    return {"slider": slider.name, "rows": rows, "monotone": monotone}


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measures both sliders, prints, and returns a row for each."""
    output = Output(options)
    device = pick_device(options.device)
    usual = Asked(options.style_weight, options.stroke_size)
    both = sliders(options.style_weights, options.stroke_sizes, usual)
    check_any(options.checkpoints)
    paintings = find_paintings(options.paintings, (usual.stroke_size, *both[1].sizes))
    photos = read_squares(find_photos(options.photos, limit=options.limit), options.size, device)
    dtype = pick_precision(options.precision, device)
    judge = Judge(photos, judging_weights(options.weights), dtype)
    net = any_painting(options.checkpoints, device)
    paintings = unseen(paintings, net) if options.unseen else paintings
    found: dict[str, list[Found]] = {slider.name: [] for slider in both}
    sheet: list[Row] = []
    first = next(iter(photos.values()))
    names: list[str] = []
    with console().status("") as status:
        for file in paintings:
            painting = load_painting(file, usual.stroke_size)
            status.update(progress(len(names), paintings))
            names.append(shown_name(file.stem))
            for slider in both:
                one, shown = measure(net, judge, slider, file, dtype)
                found[slider.name].append(one)
                at = ", ".join(f"{slider.value(asked):g}" for asked in slider.positions)
                words = f"{names[-1]}, {slider.name.replace('_', ' ')} {at}"
                if len(sheet) < MOST_ROWS:
                    sheet.append(
                        (words, [thumbnail(p, THUMBNAIL) for p in (painting, first, *shown)])
                    )
    rows = [tell(slider, found[slider.name], len(photos), judge.name) for slider in both]
    most = max(len(slider.positions) for slider in both)
    figures = {"judge": judge.describe(), "net": net.trained.digest, "photos": list(photos),
               "size": options.size, "usual": asdict(usual), "paintings": names,
               "sliders": rows}  # fmt: skip
    output.write(figures, ["painting", "photo", *[""] * most], sheet)
    return rows
