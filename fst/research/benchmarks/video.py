"""``fst benchmark video``: how steady painted clips are, and what steadiness costs.

Each way of keeping frames steady paints the same frames. The warping error is told as it is, as a
multiple of the source's own, and as a share of that of frame-by-frame painting; beside it stands
what could get worse: the objective, sharpness, even brightness, time.
"""

import argparse
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from fst.errors import InputError
from fst.evaluation.photos import find_photos
from fst.evaluation.warping import mean_warping_error, pumping, sharpness
from fst.image.picture import Picture
from fst.inference.control import Control, Layer
from fst.inference.options import PassOptions
from fst.inference.stylizers import FeedForwardStylizer, make_stylizer
from fst.inference.video.steady import SteadyPainter
from fst.losses.perceptual import PerceptualLoss
from fst.research.benchmarks.clips import BEGINNING, Clip, find_clips, read_clip, windows
from fst.research.benchmarks.judged import judging_weights, readable
from fst.research.benchmarks.output import console
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective
from fst.system.device import pick_device, pick_precision

JUDGED = 3
"""Frames of a clip that the objective is the mean of, in its later half."""


@dataclass(frozen=True)
class Found:
    """What was measured of one clip, painted in one style, in one way.

    Attributes:
        warping: the warping error, a mean of squares.
        of_source: times the source's own.
        of_off: times that of ``stable off``; not a number where that was not measured.
        objective: content and style, weighted as in the training of the style.
        sharpness: variance of the Laplacian.
        pumping: in levels of 255.
        seconds: of one processor, for a frame.
    """

    clip: str
    style: str
    stable: str
    warping: float
    of_source: float
    objective: float
    sharpness: float
    pumping: float
    seconds: float
    of_off: float = math.nan
    objective_of_off: float = math.nan
    sharpness_of_off: float = math.nan


def measure(
    clip: Clip, style: str, stylizer: FeedForwardStylizer, loss: PerceptualLoss, stable: str
) -> Found:
    """Paints a clip in one way and measures it."""
    painter = SteadyPainter([Layer(stylizer)], Control(), stable)
    painted = [painter(Picture(clip.frames[0])).rgb]
    began = time.process_time()
    painted += [painter(Picture(frame)).rgb for frame in clip.frames[1:]]
    seconds = (time.process_time() - began) / (len(clip.frames) - 1)
    moves, later = clip.moves[BEGINNING:], slice(BEGINNING, None)
    warping = mean_warping_error(painted[later], moves)
    last = len(painted) - 1
    places = sorted({last - number * (last // 2) // JUDGED for number in range(JUDGED)})
    return Found(
        clip.name,
        style,
        stable,
        warping,
        warping / max(mean_warping_error(clip.frames[later], moves), 1e-9),
        statistics.mean(judged(loss, painted[place], clip.frames[place]) for place in places),
        statistics.mean(sharpness(frame) for frame in painted[later]),
        pumping(painted[later]) if len(painted) > BEGINNING + 2 else math.nan,
        seconds,
    )


@torch.no_grad()
def judged(loss: PerceptualLoss, painted: Tensor, photo: Tensor) -> float:
    """The objective of a painted frame."""
    painted, photo = painted.to(loss.colors.device), photo.to(loss.colors.device)
    return float(loss(painted, loss.content_targets(photo)).total)


def with_shares(rows: Sequence[Found]) -> list[Found]:
    """Beside every row what it is of frame-by-frame painting, where that was measured."""
    off = {(row.clip, row.style): row for row in rows if row.stable == "off"}
    finished = []
    for row in rows:
        yardstick = off.get((row.clip, row.style))
        shares = (
            {}
            if yardstick is None
            else {
                "of_off": _share(row.warping, yardstick.warping),
                "objective_of_off": _share(row.objective, yardstick.objective),
                "sharpness_of_off": _share(row.sharpness, yardstick.sharpness),
            }
        )
        finished.append(Found(**{**asdict(row), **shares}))
    return finished


def _share(value: float, of: float) -> float:
    return value / of if of else math.nan


def medians(rows: Sequence[Found]) -> list[Found]:
    """Over clips and styles, of every way."""
    names = [name for name in asdict(rows[0]) if name not in ("clip", "style", "stable")]
    found = []
    for stable in dict.fromkeys(row.stable for row in rows):
        own = [asdict(row) for row in rows if row.stable == stable]
        middle = {}
        for name in names:
            values = [row[name] for row in own if not math.isnan(row[name])]
            middle[name] = statistics.median(values) if values else math.nan
        found.append(Found("median", "", stable, **middle))
    return found


def table(rows: Sequence[Found]) -> Table:
    """All that was found, and the medians below."""
    made = Table("clip", "style", "stable", "warping, of off", "of the source's", "objective",
                 "sharpness", "pumping", "CPU s")  # fmt: skip
    for row in [*rows, *medians(rows)]:
        made.add_row(
            escape(row.clip), escape(row.style), row.stable,
            f"{1e4 * row.warping:.2f}e-4, {row.of_off:.2f}", f"{row.of_source:.1f}",
            f"{row.objective:.3f}, {row.objective_of_off:.3f}", f"{row.sharpness_of_off:.2f}",
            f"{row.pumping:.2f}", f"{row.seconds:.3f}",
        )  # fmt: skip
    return made


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Paints, measures, tells; the rows, with None for what is not a number."""
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    if not (options.clips or options.photos):
        raise InputError("nothing to paint: name --clips, or --photos that a window moves over")
    paths = find_clips(options.clips)[: options.limit]
    photos = find_photos(*options.photos, limit=options.limit) if options.photos else []
    passes = PassOptions(device=device, dtype=dtype)
    styles = [find_style(name, options.checkpoints, device) for name in options.styles]
    stylizers = [make_stylizer(style, "feedforward", passes) for style in styles]
    weights = judging_weights(options.weights)
    clips = _clips(options, paths, photos)
    rows: list[Found] = []
    with console().status("clips") as status:
        for style, stylizer in zip(styles, stylizers, strict=True):
            assert isinstance(stylizer, FeedForwardStylizer)
            _, loss = load_objective(stylizer.style, device, dtype, style.picture, weights)
            for clip in clips:
                status.update(f"{escape(clip.name)} in the style {escape(style.name)}")
                for stable in dict.fromkeys(options.stable):
                    rows.append(measure(clip, style.name, stylizer, loss, stable))
    rows = with_shares(rows)
    console().print(table(rows))
    return [
        {name: None if value != value else value for name, value in asdict(row).items()}
        for row in rows
    ]


def _clips(
    options: argparse.Namespace, paths: Sequence[Path], photos: Sequence[Path]
) -> list[Clip]:
    """All that is painted."""

    def read(path: Path) -> Clip:
        return read_clip(path, options.frames, options.skip, options.size)

    clips = [clip for _, clip in readable(paths, read)] if paths else []
    for photo in photos:
        clips += windows(photo, options.frames, options.size)
    return clips
