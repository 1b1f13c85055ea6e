"""Compares one pass with the optimization: ``fst compare --style monet --photos DIR``."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from fst.errors import FstError, InputError, in_a_line
from fst.evaluation.compare import STARTS, Comparison, compare
from fst.evaluation.figures import duration
from fst.evaluation.photos import count, find_photos, left_out_line, shown_name
from fst.evaluation.report import write_report
from fst.evaluation.report_folder import check_report_folder
from fst.evaluation.summary import summarize
from fst.inference.options import PassOptions
from fst.inference.stylizers import FeedForwardStylizer, make_stylizer
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory
from fst.system.signals import stop_if_asked


def main(options: argparse.Namespace) -> int:
    """Compares, writes the report, prints its figures."""
    check_report_folder(options.output)
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    photos = find_photos(*options.photos, limit=options.limit)
    keep_freed_memory()
    found = find_style(options.style, options.checkpoints, device, asked={})
    style = replace(found, fitted=None)  # one loss judges all photos: it knows one stroke size
    of_pass = PassOptions(device, dtype, margin=options.margin)
    stylizer = make_stylizer(style, "feedforward", of_pass)
    assert isinstance(stylizer, FeedForwardStylizer)
    painting, loss = load_objective(
        stylizer.style, device, dtype, options.painting, options.weights
    )
    trained = stylizer.style.description["loss"]["loss_network"]["sha256"]
    if trained not in (loss.vgg.sha256, "unknown"):  # a predicted one had none of its own
        network = f"{loss.vgg.architecture}, {loss.vgg.source} weights"
        print(f"judged by another network ({network}) than the style was trained with")
    own = stylizer.style.description["style"].get("margin")
    if own is not None and own != options.margin:
        print(f"painted with a margin of {options.margin} pixels; fst stylize paints this style "
              f"with {own}: --margin {own}")  # fmt: skip
    comparison = Comparison(
        stylizer, loss, options.size, options.iterations, options.seed, options.until_equal
    )
    try:
        entries, left_out = compare_all(comparison, photos, options.output)
    except KeyboardInterrupt:
        where = in_a_line(options.output)
        print(f"interrupted: photos that are finished stay in {where}; the same command goes on",
              file=sys.stderr)  # fmt: skip
        return 130
    if not entries:
        raise InputError(f"no photo can be compared: {left_out_line(left_out, len(photos))}")
    report = summarize(comparison, entries, left_out, painting)
    page = write_report(options.output, report, painting)
    print_summary(report)
    print(f"wrote {in_a_line(page)}")
    if left_out:
        print(f"error: {left_out_line(left_out, len(photos))}", file=sys.stderr)
    return int(bool(left_out))


def compare_all(
    comparison: Comparison, photos: Sequence[Path], output: Path
) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """The entries of the photos, with a bar and a line each; and what was left out, and why."""
    entries: list[dict[str, Any]] = []
    left_out: list[dict[str, str]] = []
    per_photo = len(STARTS) * (comparison.iterations + 1)
    with Progress(transient=True) as bar:
        task = bar.add_task("comparing", total=len(photos) * per_photo)

        def on_progress(path: Path, start: str, iteration: int) -> None:
            done = (len(entries) + len(left_out)) * per_photo
            done += STARTS.index(start) * (comparison.iterations + 1) + iteration
            named = f"{escape(shown_name(path.name))} from {start}"
            bar.update(task, completed=done, description=named)

        def on_problem(path: Path, problem: FstError) -> None:
            stop_if_asked()
            reason = str(problem).removeprefix(f"{path}: ").removeprefix(f"{path} ")
            left_out.append({"name": shown_name(path.name), "reason": shown_name(reason)})
            if len(photos) == 1:
                raise problem
            print(f"error: {in_a_line(problem)}", file=sys.stderr, flush=True)

        for entry in compare(comparison, photos, output, on_progress, on_problem):
            entries.append(entry)
            done = len(entries) + len(left_out)
            bar.update(task, completed=done * per_photo)
            bar.console.print(f"{done}/{len(photos)} {entry['name']}", markup=False)
    return entries, left_out


def print_summary(report: dict[str, Any]) -> None:
    """The report's figures as a table."""
    settings, fast = report["settings"], report["objective"]["fast"]["median"]
    photos = count(len(report["photos"]), "photo")
    title = f"{report['style']['name']} at {settings['size']} px, {photos}"
    table = Table("", *(f"from {start}" for start in STARTS), title=escape(title))
    for name in ("median", "min", "max"):
        values = (f"{report['equivalent_iterations'][start][name]:.1f}" for start in STARTS)
        table.add_row(f"equivalent iterations, {name}", *values)
    Console().print(table)
    if report["artifacts"]:
        worst = {name: (a["min"], a["max"]) for name, a in report["artifacts"].items()}
        print(
            "artifacts, least and most: "
            + ", ".join(f"{name} {low:.3g} {high:.3g}" for name, (low, high) in worst.items())
        )
    speedup, seconds = report["speedup"], report["seconds"]
    print(f"one pass: objective {fast:.3f} in {duration(seconds['fast'])}")
    print(f"one iteration of the optimization: {duration(seconds['iteration'])}; both timed warm")
    print(f"speed-up at equal objective: {speedup['equal_objective']:.0f} times")
    print(f"speed-up against 500 iterations (scaled up): {speedup['at_500']:.0f} times")
