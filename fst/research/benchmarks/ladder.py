"""``fst benchmark ladder``: one painting at every level, from one pass to the optimization.

The any-painting net's one pass, finished nets of that painting (trained for a minute, for twenty),
and the optimization of each photo, all judged by one objective on the same photos.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from fst.errors import InputError
from fst.evaluation.photos import count, find_photos, read_photos, shown_name
from fst.evaluation.timing import start_clock, time_pass, warm_up
from fst.image.painting import load_painting
from fst.inference.painter import NetPainter
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize
from fst.research.benchmarks.judged import any_painting, check_any, judging_weights, predict
from fst.research.benchmarks.output import Output, show
from fst.research.benchmarks.sheets import THUMBNAIL, thumbnail
from fst.research.benchmarks.tables import machine, say_if_busy
from fst.styles.catalog import find_style
from fst.styles.predicted import Asked
from fst.styles.trained import TrainedStyle
from fst.system.checksum import checksum
from fst.system.device import pick_device, pick_precision

TERMS = ("content", "style", "tv")


@dataclass(frozen=True)
class Level:
    """What one level of the ladder came to.

    Attributes:
        name: of the level.
        objective: mean over photos, and so are its weighted terms.
        content, style, tv: these.
        prepared: seconds until the first photo can be painted; None where nobody noted them.
        picture: seconds that one photo then takes, the median.
    """

    name: str
    objective: float
    content: float
    style: float
    tv: float
    prepared: float | None
    picture: float


Paint = Callable[[Tensor], tuple[Tensor, float]]
"""A photo to its picture and the seconds that it took, both ``(1, 3, H, W)``."""


def climb(
    name: str, paint: Paint, prepared: float | None, loss: PerceptualLoss, photos: Sequence[Tensor]
) -> tuple[Level, list[Tensor]]:
    """Paints all photos at one level and judges them, as files of 8 bits have them."""
    pictures, taken, terms = [], [], []
    for photo in photos:
        picture, seconds = paint(photo)
        written = (picture.clamp(0, 1) * 255).round() / 255
        with torch.no_grad():
            terms.append(loss(written, loss.content_targets(photo)))
        pictures.append(written)
        taken.append(seconds)
    content, style, tv = (
        statistics.mean(float(getattr(one, term)) for one in terms) for term in TERMS
    )
    objective, picture_seconds = content + style + tv, statistics.median(taken)
    return Level(name, objective, content, style, tv, prepared, picture_seconds), pictures


def by_pass(painter: NetPainter) -> Paint:
    """A pass of a net."""
    return lambda photo: time_pass(painter, photo)


def by_optimization(loss: PerceptualLoss, iterations: int) -> Paint:
    """So many iterations of L-BFGS, from the photo; timed warm, as a pass is."""

    def paint(photo: Tensor) -> tuple[Tensor, float]:
        warm_up(loss, photo)
        clock = start_clock(photo.device)
        picture = photo
        for iterate in optimize(loss, photo, iterations=iterations):
            picture = iterate.image
        return picture.detach(), clock()

    return paint


def find_nets(
    names: Sequence[str], checkpoints: Path | None, painting: Path
) -> dict[str, TrainedStyle]:
    """The finished nets of a painting, by their names without folders, or as given.

    Raises:
        InputError: one has no net, or was trained on another painting.
    """
    found: dict[str, TrainedStyle] = {}
    for name in names:
        style = find_style(name, checkpoints).net()
        about = style.description["style"]
        image, known = about.get("image"), about.get("image_sha256")
        same = checksum(painting) == known if known else Path(image or "").stem == painting.stem
        if not same:
            raise InputError(f"{name} was trained on {image or 'no painting'}, not on {painting}")
        short = Path(name).name.removesuffix(".safetensors")
        found[shown_name(name if short in found else short)] = style
    return found


def levels(
    options: argparse.Namespace,
    loss: PerceptualLoss,
    nets: Mapping[str, TrainedStyle],
    photos: Sequence[Tensor],
) -> list[tuple[Level, list[Tensor]]]:
    """All levels, from the quickest to the best."""
    device, found = photos[0].device, []
    dtype = pick_precision(options.precision, device)
    asked = Asked(options.style_weight, options.stroke_size)
    net = any_painting(options.checkpoints, device)
    for _ in range(2):  # the first one also reads what is read once
        began = time.perf_counter()
        painting = load_painting(options.painting, asked.stroke_size)
        painter = predict(net, painting, asked, dtype)
        chosen = time.perf_counter() - began
    found.append(climb("one pass", by_pass(painter), chosen, loss, photos))
    for name, style in nets.items():
        spent = style.description.get("training", {}).get("seconds")
        painter = NetPainter(style.net.to(device), dtype)
        found.append(climb(name, by_pass(painter), spent, loss, photos))
    if options.iterations:
        name = f"optimization, {count(options.iterations, 'iteration')}"
        found.append(climb(name, by_optimization(loss, options.iterations), 0, loss, photos))
    return found


def tell(found: Sequence[Level], yardstick: Level, title: str) -> None:
    """Prints a row for each level, and its objective as a multiple of one level's."""
    table = Table("level", "objective", f"of {escape(yardstick.name)}'s", *TERMS,
                  "seconds to choose or train", "seconds a picture")  # fmt: skip
    for level in found:
        prepared = "not noted" if level.prepared is None else f"{level.prepared:,.2f}"
        table.add_row(escape(level.name), f"{level.objective:.3f}",
                      f"{level.objective / yardstick.objective:.2f}",
                      *(f"{getattr(level, term):.3f}" for term in TERMS),
                      prepared, f"{level.picture:.3f}")  # fmt: skip
    show(title, table)


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Climbs, prints, and returns a row for each level."""
    output = Output(options)
    say_if_busy()
    device = pick_device(options.device)
    asked = Asked(options.style_weight, options.stroke_size)
    check_any(options.checkpoints)
    painting = load_painting(options.painting, asked.stroke_size).to(device)
    nets = find_nets(options.nets, options.checkpoints, options.painting)
    files = find_photos(options.photos, limit=options.limit)
    photos = [photo.to(device) for photo in read_photos(files, options.size)]
    dtype = pick_precision(options.precision, device)
    weights = judging_weights(options.weights)
    loss = PerceptualLoss(
        painting, style_weight=asked.style_weight, weights=weights, dtype=dtype
    ).to(device)
    print(machine(device, {}), flush=True)
    found = levels(options, loss, nets, photos)
    name = shown_name(options.painting.stem)
    who = f"{loss.vgg.architecture}, {loss.vgg.source} weights"
    tell([level for level, _ in found],
         found[len(nets)][0],  # the last finished net
         f"{name}, style weight {asked.style_weight:g}, stroke size "
         f"{asked.stroke_size} px; means over {count(len(photos), 'photo')} at {options.size} px, "
         f"judged by {who}")  # fmt: skip
    rows = [asdict(level) for level, _ in found]
    figures = {"judge": loss.describe(), "machine": machine(device, {}), "size": options.size,
               "painting": name, "asked": asdict(asked),
               "photos": len(photos), "levels": rows}  # fmt: skip
    columns = ["painting", "photo", *(level.name for level, _ in found)]
    sheet = [
        ("", [thumbnail(picture, THUMBNAIL) for picture in (painting, *row)])
        for row in zip(photos, *(pictures for _, pictures in found), strict=True)
    ]
    output.write(figures, columns, sheet)
    return rows
