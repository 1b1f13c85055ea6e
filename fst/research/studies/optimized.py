"""Makes a study of the optimization: its pictures, its grid and its page."""

import argparse
import statistics
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from fst.evaluation.figures import duration
from fst.evaluation.photos import count
from fst.image.io import save_image
from fst.image.picture import MIN_SIDE, to_pil
from fst.inference.options import PassOptions
from fst.research.benchmarks.judged import judging_weights
from fst.research.studies.cases import Asked, Case, Study
from fst.research.studies.kinds import PLANS
from fst.research.studies.page import (
    FIGURES,
    GRID,
    PAGE,
    PICTURES,
    Page,
    Section,
    Shown,
    begin,
    check_copies,
    check_not_read,
    check_place,
    check_room,
    draw_grid,
    write_grid,
    write_page,
)
from fst.research.studies.pictures import Pictures
from fst.system.device import machine, pick_device, pick_precision


def run(options: argparse.Namespace) -> int:
    """One study, or all of them; what fails is told before the first picture."""
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    everything = options.kind == "all"
    kinds = list(PLANS) if everything else [options.kind]
    folders = {k: options.output / k if everything else options.output for k in kinds}
    if everything:
        check_place(options.output, options.overwrite, ())
    for folder in folders.values():
        check_place(folder, options.overwrite)
    check_copies(options.copies, kinds, options.overwrite)
    usual = {"iterations": options.iterations, "weights": weights_of(options),
             "loss_network": options.loss_network}  # fmt: skip
    asked = Asked(options.size, usual, PassOptions(device=device, dtype=dtype))
    studies = {kind: PLANS[kind](options, asked) for kind in kinds}
    for kind, study in studies.items():
        _check_grid(study, options.size)
        targets = [folders[kind] / name for name in _files(study)]
        copies = [] if options.copies is None else [options.copies / f"{kind}.webp"]
        check_not_read([*targets, *copies], _read(study))
    painted = {
        kind: Pictures(folders[kind], study, asked, options.overwrite)
        for kind, study in studies.items()
    }
    for kind, pictures in painted.items():
        begin(folders[kind], Page(kind, pictures.study.title, pictures.study.about, ()))
        if everything:
            print(f"{kind}: {count(len(pictures.study.cases), 'picture')}", flush=True)
        pictures.paint(lambda line: print(line, flush=True))
        write_study(pictures, options.copies)
        print(f"wrote {folders[kind] / PAGE}", flush=True)
    return 0


def weights_of(options: argparse.Namespace) -> str:
    """Of the loss network: VGG-19's if nothing is said and they are here, else the slim one's."""
    asked: str = options.weights
    return judging_weights(asked) if options.loss_network is None else asked


def _files(study: Study) -> list[str]:
    """What a study writes, below its folder."""
    shown = [f"{PICTURES}/shown-{number}.png" for number in range(len(study.shown))]
    return [PAGE, GRID, FIGURES, *shown, *(f"{PICTURES}/{case.file}.png" for case in study.cases)]


def _read(study: Study) -> list[Path]:
    """The files that it reads."""
    paintings = [Path(case.style.image) for case in study.cases if case.style.image]
    return [*(case.photo.path for case in study.cases), *paintings]


def _check_grid(study: Study, side: int) -> None:
    rows, columns = by_rows(study.cases)
    check_room(len(columns) * side, (len(rows) + 1) * side)


def by_rows(cases: Sequence[Case]) -> tuple[dict[str, list[Case]], list[str]]:
    """The pictures of each row, by its words; and the words of the columns."""
    rows: dict[str, list[Case]] = {}
    for case in cases:
        rows.setdefault(case.row, []).append(case)
    return rows, list(dict.fromkeys(case.column for case in cases))


def write_study(pictures: Pictures, copies: Path | None = None) -> None:
    """Writes grid and page, from pictures that are all there."""
    study, folder = pictures.study, pictures.folder
    rows, columns = by_rows(study.cases)
    shown = []
    for number, (words, rgb) in enumerate(study.shown):
        file = f"{PICTURES}/shown-{number}.png"
        save_image(folder / file, rgb)
        shown.append(Shown(file, words))
    grid = []
    for words, row in rows.items():
        drawn = []
        for case in row:
            with Image.open(pictures.path(case), formats=("PNG",)) as image:
                drawn.append(image.convert("RGB"))
        grid.append((words, drawn))
    side = max(max(one.size) for _, drawn in grid for one in drawn)
    first = [_contained(to_pil(rgb), side) for _, rgb in study.shown]
    write_grid(folder / GRID, _with_first(study, columns, grid, first), copies, study.kind)
    write_page(folder / PAGE, _page(pictures, shown))


def _with_first(
    study: Study,
    columns: Sequence[str],
    grid: list[tuple[str, list[Image.Image]]],
    first: Sequence[Image.Image],
) -> Image.Image:
    """The grid; photo and paintings before the pictures of a study that has one row."""
    if len(grid) == 1:
        words = [words for words, _ in study.shown]
        return draw_grid([*words, *columns], [(grid[0][0], [*first, *grid[0][1]])])
    if len(first) == len(grid):  # a picture for every row: what it should come to
        rows = [(words, [one, *row]) for (words, row), one in zip(grid, first, strict=True)]
        return draw_grid(["", *columns], rows)
    if study.corner:
        grid = [(f"{study.corner.partition(',')[0]}: {words}", row) for words, row in grid]
    return draw_grid(columns, grid)


def _contained(image: Image.Image, side: int) -> Image.Image:
    image = image.copy()
    image.thumbnail((max(side, MIN_SIDE), max(side, MIN_SIDE)), Image.Resampling.LANCZOS)
    return image


def _page(pictures: Pictures, shown: Sequence[Shown]) -> Page:
    study, asked = pictures.study, pictures.asked
    rows, columns = by_rows(study.cases)
    cells = [
        (words, [Shown(f"{PICTURES}/{case.file}.png", f"{words} {case.column}".strip(),
                       _note(pictures, case)) for case in row])
        for words, row in rows.items()
    ]  # fmt: skip
    loss = next(iter(pictures.options.values()))
    settings = {
        "pictures": f"long side {asked.size} px",
        "iterations": str(loss.optimization().get("iterations", asked.usual["iterations"])),
        "loss network": pictures.judge_name,
        "computed": f"{str(asked.of_pass.dtype).removeprefix('torch.')} on {machine(asked.device)}",
    }
    return Page(
        study.kind,
        study.title,
        study.about,
        [Section(tiles=shown), Section(study.corner, "", (), columns, cells), _table(pictures)],
        settings,
        [("the grid as one picture", GRID)],
    )


def _note(pictures: Pictures, case: Case) -> str:
    found = pictures.figures[case.file]
    return f"content {found['content']:.2f}, style {found['style']:.3f}"


def _table(pictures: Pictures) -> Section:
    """The figures of all pictures; where there are several rows, the mean of each column, too."""
    study, figures = pictures.study, pictures.figures
    names = ("objective", "content", "style")

    def cells(found: Sequence[dict[str, float]]) -> list[str]:
        means = [statistics.mean(one[name] for one in found) for name in names]
        taken = statistics.mean(one["seconds"] for one in found)
        return [*(f"{mean:.3f}" for mean in means), duration(taken)]

    rows, columns = by_rows(study.cases)
    head = ["row", "column"] if len(rows) > 1 else ["picture"]
    lines = [
        [*([case.row] if len(rows) > 1 else []), case.column, *cells([figures[case.file]])]
        for case in study.cases
    ]
    if study.kind == "presets" and len(rows) > 1:
        for column in columns:
            own = [figures[case.file] for case in study.cases if case.column == column]
            lines.append(["mean", column, *cells(own)])
    return Section(
        "Figures",
        "Content and style are relative errors (0: none, 1: as if nothing were there), measured "
        "by one loss for all pictures: content at relu4_2, style at relu1_1 to relu5_1. The "
        "objective is the content plus the style times the weight of the style's own.",
        figures=([*head, *names, "time"], lines),
    )
