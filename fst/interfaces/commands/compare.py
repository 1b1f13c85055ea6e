"""Compares one pass with the optimization: ``scripts/compare.py --style monet --photos DIR``."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from fst import assets
from fst.errors import InputError
from fst.evaluation.compare import STARTS, Comparison, compare
from fst.evaluation.figures import duration
from fst.evaluation.report import write_report
from fst.evaluation.summary import summarize
from fst.inference.stylizers import FeedForwardStylizer, make_stylizer
from fst.styles.objective import load_objective
from fst.system.device import PRECISIONS, pick_device, pick_precision
from fst.system.files import check_writable
from fst.system.memory import keep_freed_memory


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--style", required=True, help="a trained style's name, or the path of its checkpoint")
    add("--photos", required=True, type=Path, help="folder of photos, best ones never trained on")
    add("--output", type=Path, default=Path("report"), help="folder for index.html and report.json")
    add("--limit", type=int, help="only so many photos")
    add("--size", type=int, default=256, help="long side of the photos in pixels")
    add("--iterations", type=int, default=200, help="of the optimization")
    add(
        "--until-equal",
        action="store_true",
        help="end an optimization once it equals the net: the same equivalent iterations, sooner",
    )
    add("--margin", type=int, default=0, help="of the pass, as for stylize.py, where it is 20")
    add("--seed", type=int, default=0, help="of the noise")
    add("--painting", help="the painting, where it is not found by the name in the checkpoint")
    add(
        "--weights",
        help="of VGG-19: auto, caffe, torchvision, slim, or a .safetensors file; default: slim for "
        "a style that was trained with it, else auto",
    )
    add("--device", default="auto")
    add("--precision", choices=PRECISIONS, default="auto")
    add("--checkpoints", type=Path, help="folder of trained styles")
    return parser.parse_args()


def main() -> int:
    """Parses, calls, prints."""
    options = parse()
    limited = options.limit is not None
    if options.size < 16 or options.iterations < 1 or (limited and options.limit < 1):
        raise InputError("--size must be at least 16, --iterations and --limit at least 1")
    keep_freed_memory()
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    photos = assets.list_images(options.photos)[: options.limit]
    stylizer = make_stylizer(
        options.style, "feedforward", device, dtype, options.checkpoints, margin=options.margin
    )
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
