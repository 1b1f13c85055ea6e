"""``fst benchmark any``: one pass for any painting, ours against the peer's, seconds and judgment.

Both paint the same squares of photos in the styles of the same paintings. One loss network judges
both, as ``content + w * style`` for several ``w``, against the whole painting at one size.
"""

import argparse
import itertools
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from rich.table import Table
from torch import Tensor

from fst.evaluation.photos import count, find_photos, shown_name
from fst.image.io import load_image
from fst.image.painting import load_painting
from fst.inference.painter import NetPainter
from fst.nets import make_net
from fst.research.benchmarks.defaults import default_net
from fst.research.benchmarks.judged import (
    Judge,
    Terms,
    any_painting,
    check_any,
    find_paintings,
    judging_weights,
    predict,
    read_squares,
    unseen,
)
from fst.research.benchmarks.output import Output, console, progress, show
from fst.research.benchmarks.peer import PEER, Peer, find_peer
from fst.research.benchmarks.rounds import Work, ratio_over_rounds
from fst.research.benchmarks.sheets import MOST_ROWS, THUMBNAIL, Row, thumbnail
from fst.research.benchmarks.tables import interleave, machine, say_if_busy
from fst.styles.predicted import AnyPainting, Asked
from fst.system.device import pick_device, pick_precision

PHOTOS_OF_SHEET = 2
"""Photos that the contact sheet shows of each painting."""


@dataclass(frozen=True)
class Judged:
    """What was said of one painting's pictures: who painted -> photo -> terms."""

    painting: str
    terms: Mapping[str, Mapping[str, Terms]]

    def ratio(self, ours: str, style_weight: float) -> float:
        """Our objective as a share of the peer's, the median over photos."""
        theirs = self.terms[PEER]
        return statistics.median(
            terms.objective(style_weight) / theirs[photo].objective(style_weight)
            for photo, terms in self.terms[ours].items()
        )

    def objective(self, who: str, style_weight: float) -> float:
        """The median over photos."""
        return statistics.median(t.objective(style_weight) for t in self.terms[who].values())


@dataclass
class Contest:
    """Who paints, and what judges.

    Attributes:
        net: our any-painting net.
        peer: the other one, where it is installed.
        judge: of the photos that are painted.
        settings: those that our net is asked for.
        dtype: of our pass.
        size: of the painting that the judge sees.
        rows: of the contact sheet.
    """

    net: AnyPainting
    peer: Peer | None
    judge: Judge
    settings: Sequence[Asked]
    dtype: torch.dtype
    size: int
    rows: list[Row] = field(default_factory=list)

    @property
    def painters(self) -> list[str]:
        """Who paints: the peer, and our net at each setting."""
        return [*([PEER] if self.peer else []), *map(named, self.settings)]

    def judged(self, file: Path, painting: Tensor) -> Judged:
        """Paints all photos in the style of a painting, and judges.

        Args:
            file: of the painting.
            painting: ``(1, 3, H, W)``, as the judge sees it.
        """
        grams = self.judge.grams(painting)
        terms: dict[str, dict[str, Terms]] = {}
        sheet = {name: [photo] for name, photo in self.first_photos().items()}
        for who, paint in self.ways(file).items():
            terms[who] = {}
            for name, photo in self.judge.photos.items():
                picture = paint(photo)
                terms[who][name] = self.judge.terms(name, picture, grams)
                if name in sheet:
                    sheet[name].append(picture)
        for name, pictures in sheet.items():
            if len(self.rows) < MOST_ROWS:
                small = [thumbnail(picture, THUMBNAIL) for picture in (painting, *pictures)]
                self.rows.append((f"{shown_name(file.stem)}, {name}", small))
        return Judged(shown_name(file.stem), terms)

    def ways(self, file: Path) -> dict[str, Callable[[Tensor], Tensor]]:
        """Everybody's way to paint in the style of a painting."""
        found: dict[str, Callable[[Tensor], Tensor]] = {}
        if (peer := self.peer) is not None:
            vector = peer.choose(load_image(file).rgb)
            found[PEER] = lambda photo: peer.paint(photo, vector)
        for asked in self.settings:
            painting = load_painting(file, asked.stroke_size)
            found[named(asked)] = predict(self.net, painting, asked, self.dtype)
        return found

    def first_photos(self) -> dict[str, Tensor]:
        """The photos of the contact sheet."""
        return dict(itertools.islice(self.judge.photos.items(), PHOTOS_OF_SHEET))


def named(asked: Asked) -> str:
    """A setting in a table: style weight, and the stroke size in pixels."""
    return f"{asked.style_weight:g}, {asked.stroke_size} px"


def works(contest: Contest, paintings: Sequence[Path], photo: Tensor) -> dict[str, Work]:
    """What is timed: choosing a painting, from its file, and a pass of one photo.

    Who chooses goes on to the next painting every time; in one round all choose the same.
    """
    asked, peer = contest.settings[0], contest.peer
    ours, theirs = itertools.cycle(paintings), itertools.cycle(paintings)

    def choose() -> NetPainter:
        return predict(contest.net, load_painting(next(ours), asked.stroke_size), asked,
                       contest.dtype)  # fmt: skip

    net = make_net(**default_net()).to(photo.device).eval().requires_grad_(False)
    chosen, trained = choose(), NetPainter(net, contest.dtype)
    next(theirs)
    found: dict[str, Work] = {
        "choose": choose,
        "pass": lambda: chosen(photo),
        "pass of a trained net": lambda: trained(photo),
    }
    if peer is not None:
        vector = peer.choose(paintings[0])
        found[f"choose, {PEER}"] = lambda: peer.choose(next(theirs))
        found[f"pass, {PEER}"] = lambda: peer.paint(photo, vector)
    return found


def seconds(
    options: argparse.Namespace, contest: Contest, paintings: Sequence[Path]
) -> list[dict[str, Any]]:
    """Times choosing and painting, interleaved: against a trained net's pass, and the peer's."""
    photo = next(iter(contest.judge.photos.values()))
    rounds = interleave(options, works(contest, paintings, photo), photo.device)
    against = [("pass", "pass of a trained net")]
    if contest.peer:
        against += [(what, f"{what}, {PEER}") for what in ("choose", "pass")]
    else:
        against.append(("choose", "choose"))
    table = Table("", "seconds", "the other's", "times as fast")
    rows = []
    for name, yardstick in against:
        found = ratio_over_rounds(rounds, name, yardstick)
        rows.append({"what": name, "against": yardstick, **asdict(found)})
        spread = f"{found.ratio_median:.2f} ({found.ratio_min:.2f} to {found.ratio_max:.2f})"
        alone = name == yardstick
        table.add_row(name if alone else f"{name} (against: {yardstick})",
                      f"{found.seconds:.3f}", "" if alone else f"{found.yardstick_seconds:.3f}",
                      "" if alone else spread)  # fmt: skip
    show("seconds, interleaved", table)
    return rows


def summarize(
    contest: Contest, found: Sequence[Judged], judged_weights: Sequence[float]
) -> list[dict[str, Any]]:
    """Prints who paints with which objective, or its share of the peer's; returns the rows."""
    photos, peer = len(contest.judge.photos), contest.peer
    what = f"as a share of {PEER}'s (paintings won, range)" if peer else "(range over paintings)"
    title = (f"content + w * style {what}; medians over {count(len(found), 'painting')} of those "
             f"over {count(photos, 'photo')}; judged by {contest.judge.name}")  # fmt: skip
    table = Table("style weight, stroke size", *(f"w = {w:g}" for w in judged_weights))
    rows = []
    for asked in contest.settings:
        cells = []
        for w in judged_weights:
            values = [
                one.ratio(named(asked), w) if peer else one.objective(named(asked), w)
                for one in found
            ]
            median, won = statistics.median(values), ""
            row = {"setting": asdict(asked), "judged_weight": w, "median": median,
                   "least": min(values), "most": max(values)}  # fmt: skip
            if peer:
                row["won"] = sum(value < 1 for value in values)
                won = f"{row['won']} of {len(values)}, "
            rows.append(row)
            cells.append(f"{median:.3f} ({won}{min(values):.2f} to {max(values):.2f})")
        table.add_row(named(asked), *cells)
    show(title, table)
    return rows


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Paints, judges, times and prints; returns the rows that were printed."""
    output = Output(options)
    say_if_busy()
    device = pick_device(options.device)
    settings = [Asked(weight, stroke) for stroke in options.stroke_sizes
                for weight in options.style_weights]  # fmt: skip
    check_any(options.checkpoints)
    sizes = (options.painting_size, *options.stroke_sizes)
    paintings = find_paintings(options.paintings, sizes)
    photos = read_squares(find_photos(options.photos, limit=options.limit), options.size, device)
    dtype = pick_precision(options.precision, device)
    judge = Judge(photos, judging_weights(options.weights), dtype)
    net = any_painting(options.checkpoints, device)
    paintings = unseen(paintings, net) if options.unseen else paintings
    contest = Contest(net, find_peer(), judge, settings, dtype, options.painting_size)
    print(machine(device, {}), flush=True)
    found: list[Judged] = []
    with console().status("") as status:
        for file in paintings:
            status.update(progress(len(found), paintings))
            found.append(contest.judged(file, load_painting(file, contest.size)))
    rows = summarize(contest, found, options.judged_weights)
    timed = seconds(options, contest, paintings)
    output.write(
        {
            "judge": judge.describe(), "painting_size": contest.size, "photos": list(photos),
            "size": options.size, "peer": contest.peer and f"{PEER} {contest.peer.version}",
            "net": net.trained.digest, "machine": machine(device, {}),
            "summary": rows, "seconds": timed, "paintings": [asdict(one) for one in found],
        },
        ["painting", "photo", *contest.painters],
        contest.rows,
    )  # fmt: skip
    return rows + timed
