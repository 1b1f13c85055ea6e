"""The objective of trained styles under one loss: ``scripts/judge.py a.safetensors b.safetensors``.

Nets that were trained against different loss networks, or for different times, are compared by what
the same judge, VGG-19 by default, says about their pictures of photos that none has seen.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from fst import assets
from fst.choices import PRECISIONS
from fst.errors import InputError
from fst.evaluation.compare import judge
from fst.image.io import load_image
from fst.image.picture import resize
from fst.styles.catalog import resolve_style
from fst.styles.objective import load_objective
from fst.styles.trained import load_checkpoint
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory

TERMS = ("content", "style", "tv")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("styles", nargs="+", help="names of trained styles, or paths of checkpoints")
    add("--photos", required=True, help="a folder, or a name in FST_ASSETS/photos")
    add("--limit", type=int, help="only so many photos")
    add("--size", type=int, default=256, help="long side of the photos in pixels")
    add("--weights", default="auto", help="of the judge: auto, caffe, torchvision, slim, or a file")
    add("--painting", help="the painting, where it is not found by the name in the checkpoint")
    add("--device", default="auto")
    add("--precision", choices=PRECISIONS, default="auto")
    add("--checkpoints", type=Path, help="folder of trained styles")
    return parser.parse_args()


def objective_of(about: dict[str, Any]) -> str:
    """What has to agree for two objectives to be compared: all of the loss but its network."""
    loss = {key: value for key, value in about["loss"].items() if key != "loss_network"}
    pooling = about["loss"]["loss_network"]["pooling"]
    return json.dumps([loss, pooling, about["style"]["image"], about["style"]["size"]])


def main() -> int:
    """Parses, judges, prints."""
    options = parse()
    if options.size < 16 or (options.limit is not None and options.limit < 1):
        raise InputError("--size must be at least 16, --limit at least 1")
    keep_freed_memory()
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    files = assets.list_images(assets.find("photos", options.photos))[: options.limit]
    photos = [resize(load_image(path), options.size).rgb.to(device) for path in files]
    rows = []
    kinds: dict[str, list[str]] = {}
    for name in options.styles:
        path, _ = resolve_style(name, options.checkpoints)
        if path is None:
            raise InputError(f"{name!r} has no checkpoint to judge")
        style = load_checkpoint(path, device)
        _, loss = load_objective(style, device, dtype, options.painting, options.weights)
        judged = judge(style.net, loss, photos, dtype)
        totals = [float(terms.total) for terms in judged]
        means = [statistics.mean(float(getattr(terms, n)) for terms in judged) for n in TERMS]
        about = style.description
        trained = about["loss"]["loss_network"]["weights"]
        if share := about.get("training", {}).get("slim_steps_share"):
            trained = f"slim {share:.0%}, {trained}"
        kinds.setdefault(objective_of(about), []).append(path.stem)
        steps = str(about.get("training", {}).get("steps", "?"))
        figures = (statistics.mean(totals), min(totals), max(totals), *means)
        rows.append((path.stem, trained, steps, *(f"{value:.4f}" for value in figures)))
    who = f"{loss.vgg.architecture}, {loss.vgg.source} weights"
    title = f"judged by {who}, on {len(photos)} photos at {options.size} px"
    table = Table(title=title)
    for column in ("style", "trained with"):
        table.add_column(column)
    for column in ("steps", "objective", "least", "most", *TERMS):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    if len(kinds) > 1:
        groups = "; ".join(", ".join(names) for names in kinds.values())
        print(f"warning: trained for different objectives, don't compare across: {groups}",
              file=sys.stderr)  # fmt: skip
    Console(width=120).print(table)
    return 0
