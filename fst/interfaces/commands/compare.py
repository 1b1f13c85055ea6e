"""Compares one pass with the optimization: ``fst compare --style monet --photos DIR``."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fst import assets
from fst.evaluation.compare import STARTS, Comparison, compare
from fst.evaluation.figures import duration
from fst.evaluation.report import write_report
from fst.evaluation.summary import summarize
from fst.inference.options import PassOptions
from fst.inference.stylizers import FeedForwardStylizer, make_stylizer
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective
from fst.system.device import pick_device, pick_precision
from fst.system.files import check_writable
from fst.system.memory import keep_freed_memory


def main(options: argparse.Namespace) -> int:
    """Compares, writes the report, prints its figures."""
    keep_freed_memory()
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    photos = assets.list_images(options.photos)[: options.limit]
    style = find_style(options.style, options.checkpoints, device)
    of_pass = PassOptions(device, dtype, margin=options.margin)
    stylizer = make_stylizer(style, "feedforward", of_pass)
    assert isinstance(stylizer, FeedForwardStylizer)
    painting, loss = load_objective(
        stylizer.style, device, dtype, options.painting, options.weights
    )
    trained = stylizer.style.description["loss"]["loss_network"]["sha256"]
    if loss.vgg.sha256 != trained:
        network = f"{loss.vgg.architecture}, {loss.vgg.source} weights"
        print(f"judged by another network ({network}) than the style was trained with")
    options.output.mkdir(parents=True, exist_ok=True)
    check_writable(options.output)
    comparison = Comparison(
        stylizer, loss, options.size, options.iterations, options.seed, options.until_equal
    )
    entries: list[dict[str, Any]] = []
    per_photo = len(STARTS) * (options.iterations + 1)
    with Progress(transient=True) as bar:
        task = bar.add_task("comparing", total=len(photos) * per_photo)

        def on_progress(path: Path, start: str, iteration: int) -> None:
            done = len(entries) * per_photo + STARTS.index(start) * (options.iterations + 1)
            bar.update(task, completed=done + iteration, description=f"{path.name} from {start}")

        for entry in compare(comparison, photos, options.output, on_progress):
            entries.append(entry)
            bar.update(task, completed=len(entries) * per_photo)
            bar.console.print(f"{len(entries)}/{len(photos)} {entry['name']}")
    report = summarize(comparison, entries)
    page = write_report(options.output, report, painting)
    print_summary(report)
    print(f"wrote {page}")
    return 0


def print_summary(report: dict[str, Any]) -> None:
    """The report's figures as a table."""
    settings, fast = report["settings"], report["objective"]["fast"]["median"]
    title = f"{report['style']['name']} at {settings['size']} px, {len(report['photos'])} photos"
    table = Table("", *(f"from {start}" for start in STARTS), title=title)
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
