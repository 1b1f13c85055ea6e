"""``fst benchmark optimize``: the optimization of pixels against the textbook's way.

Both minimize the same relative losses of the same VGG-19, from the photo, in turns of 20
evaluations: seconds of an iteration, and until ours has come to the loss that the textbook's has at
its end. The pictures are judged afterwards, by one float32 loss, as a file would have them.
"""

import argparse
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from rich.table import Table
from torch import Tensor

from fst.errors import InputError
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize
from fst.research.benchmarks.output import show
from fst.research.benchmarks.rounds import (
    Clock,
    convolution,
    make_clock,
    ratio_over_rounds,
    steady,
    time_rounds,
)
from fst.research.benchmarks.tables import machine, say_if_busy
from fst.research.benchmarks.textbook import TextbookLoss, TextbookOptimization
from fst.research.benchmarks.training_step import tune_process
from fst.research.studies.cases import open_photo, open_style
from fst.styles.objective import style_target
from fst.system.device import pick_device, pick_precision

TURN = 20
"""Evaluations in a turn: those of one step of ``torch.optim.LBFGS`` with its defaults."""

EVERY = 5
"""Evaluations of ours between two pictures that are judged: it is found up to four too late."""

NO_SLIM = "the textbook has no slim network: give weights of VGG-19, or random"

LONGER = 3
"""Times the textbook's evaluations, after which ours gives up."""


@dataclass(frozen=True)
class Race:
    """What one run of both came to.

    Attributes:
        seconds: of an iteration of ours, and ``textbook_seconds`` of the textbook's; medians.
        ratio: of the two, the median over the turns.
        loss: that the textbook's ended with.
        textbook_time: seconds of all its evaluations.
        iterations: of ours until that loss; None where it did not come to it.
        time: seconds of these; None likewise.
    """

    seconds: float
    textbook_seconds: float
    ratio: float
    loss: float
    textbook_time: float
    iterations: int | None
    time: float | None

    @property
    def share(self) -> float:
        """Of the textbook's time that ours needs to its loss; not a number without one."""
        return math.nan if self.time is None else self.time / self.textbook_time


class Ours:
    """The optimization of fst, a turn at a time; keeps the pictures that are judged later."""

    def __init__(self, loss: PerceptualLoss, photo: Tensor, most: int) -> None:
        self._iterates = optimize(loss, photo, iterations=most)
        self.done = 0
        self.pictures: dict[int, Tensor] = {}
        """What so many evaluations have made, and nobody has judged yet."""

    def run(self, evaluations: int) -> None:
        """So many more."""
        for _ in range(evaluations):
            iterate = next(self._iterates)  # the picture before this evaluation's step
            if self.done % EVERY == 0:
                self.pictures[self.done] = iterate.image
            self.done += 1

    def first_below(self, judge: "Judged", wanted: float) -> int | None:
        """After how many evaluations a picture is at least as good as wanted; forgets them."""
        pictures, self.pictures = self.pictures, {}
        found = (number for number, one in pictures.items() if judge(one) <= wanted)
        return next(found, None)


def race(
    ours: PerceptualLoss, theirs: TextbookLoss, photo: Tensor, iterations: int, clock: Clock
) -> Race:
    """Both in turns; then ours alone, where it needs more, and all is judged.

    Args:
        ours: the objective in the precision that is measured.
        theirs: the same in float32, the textbook's way; it also judges.
        photo: ``(1, 3, H, W)`` in [0, 1].
        iterations: evaluations of the textbook's, a multiple of :data:`TURN`.
        clock: from :func:`~fst.research.benchmarks.rounds.make_clock`.
    """
    textbook, mine = TextbookOptimization(theirs, photo), Ours(ours, photo, LONGER * iterations)
    runs = {
        "textbook": lambda: textbook.run(textbook.evaluations + TURN),
        "ours": lambda: mine.run(TURN),
    }
    rounds = time_rounds(runs, convolution(photo.device)[1], iterations // TURN, clock)
    found = ratio_over_rounds(steady(rounds), "ours", "textbook")
    taken = [one.seconds["ours"] for one in rounds]
    judge = Judged(theirs, photo)
    wanted = judge(textbook.pixels.detach())
    if not math.isfinite(wanted):
        raise InputError("the textbook's optimization diverged: take another --photo or --style")
    reached = mine.first_below(judge, wanted)
    while reached is None and mine.done < LONGER * iterations:
        began = clock()
        mine.run(TURN)
        taken.append(clock() - began)
        reached = mine.first_below(judge, wanted)
    return Race(
        found.seconds / TURN,
        found.yardstick_seconds / TURN,
        found.ratio_median,
        wanted,
        sum(one.seconds["textbook"] for one in rounds),
        reached,
        None if reached is None else seconds_until(reached, taken),
    )


class Judged:
    """The one loss by which both ways are compared: float32, of pixels brought to [0, 1]."""

    @torch.no_grad()
    def __init__(self, loss: TextbookLoss, photo: Tensor) -> None:
        self.loss, self.photo = loss, loss.features(photo)

    @torch.no_grad()
    def __call__(self, picture: Tensor) -> float:
        """The objective of a picture ``(1, 3, H, W)``."""
        return float(self.loss.judged(picture.clamp(0, 1), self.photo).total)


def seconds_until(iterations: int, turns: Sequence[float]) -> float:
    """How long so many iterations took, of turns of :data:`TURN`."""
    whole, rest = divmod(iterations, TURN)
    return sum(turns[:whole]) + (rest / TURN * turns[whole] if rest else 0.0)


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Races, prints, and returns a row for each round."""
    if options.weights == "slim":
        raise InputError(NO_SLIM)
    if options.threads:
        torch.set_num_threads(options.threads)
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    photo, style = open_photo(options.photo, options.size), open_style(options.style)
    assert style.image is not None
    painting = style_target(style.image, style.size, style.about.get("image_sha256"))
    say_if_busy()
    tune_process(device)
    weights: dict[str, Any] = dict(style.weights)
    losses = {
        kind: PerceptualLoss(painting, weights=options.weights, dtype=kind, **weights)
        for kind in {dtype, torch.float32}
    }
    if losses[dtype].vgg.architecture != "vgg19":  # a file of another slim network
        raise InputError(NO_SLIM)
    ours, exact = losses[dtype].to(device), losses[torch.float32].to(device)
    theirs = TextbookLoss(exact, painting).to(device)
    pixels, clock = photo.rgb.to(device), make_clock(device)
    print(machine(device, {}), flush=True)
    for warm in (TextbookOptimization(theirs, pixels).run, Ours(ours, pixels, TURN).run):
        warm(2)  # the first evaluation also allocates
    found = [race(ours, theirs, pixels, options.iterations, clock) for _ in range(options.rounds)]
    _tell(found, options, dtype)
    return [{**asdict(one), "share": None if one.time is None else one.share} for one in found]


def _tell(found: Sequence[Race], options: argparse.Namespace, dtype: torch.dtype) -> None:
    table = Table("", "seconds an iteration", "iterations", "seconds", "of the textbook's")
    for one in found:
        far = ("more", "", "") if one.time is None else (
            str(one.iterations), f"{one.time:.1f}", f"{one.share:.2f}")  # fmt: skip
        table.add_row("ours", f"{one.seconds:.3f}", *far)
        table.add_row(f"the textbook's, to {one.loss:.4f}", f"{one.textbook_seconds:.3f}",
                      str(options.iterations), f"{one.textbook_time:.1f}", "")  # fmt: skip
    kind = str(dtype).removeprefix("torch.")
    show(f"the optimization at {options.size} px: ours in {kind}; the textbook's in float32, "
         "eager, torch.optim.LBFGS as it comes; the same losses", table)  # fmt: skip
    shares = [one.share for one in found if one.time is not None]
    if len(shares) > 1:
        print(f"median share of the textbook's time: {statistics.median(shares):.2f}")
