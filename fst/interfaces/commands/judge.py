"""The objective of trained styles under one loss: ``fst judge a.safetensors b.safetensors``.

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
from rich.markup import escape
from rich.table import Table

from fst.evaluation.compare import judge
from fst.evaluation.photos import count, find_photos, read_photos
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory

TERMS = ("content", "style", "tv")


def objective_of(about: dict[str, Any]) -> str:
    """What has to agree for two objectives to be compared: all of the loss but its network."""
    loss = {key: value for key, value in about["loss"].items() if key != "loss_network"}
    network, style = about["loss"]["loss_network"], about["style"]
    seen = [network["pooling"], network.get("padding", "zeros")]
    return json.dumps([loss, *seen, style["image"], style["size"]])


def main(options: argparse.Namespace) -> int:
    """Judges, prints; 1 where a photo had to be left out."""
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    files = find_photos(options.photos, limit=options.limit)
    keep_freed_memory()
    styles = {name: find_style(name, options.checkpoints, device).net() for name in options.styles}
    photos = [photo.to(device) for photo in read_photos(files, options.size)]
    rows = []
    kinds: dict[str, list[str]] = {}
    for name, style in styles.items():
        shown = Path(name).name.removesuffix(".safetensors")  # two files may be of one style
        _, loss = load_objective(style, device, dtype, options.painting, options.weights)
        judged = judge(style.net, loss, photos, dtype)
        totals = [float(terms.total) for terms in judged]
        means = [statistics.mean(float(getattr(terms, n)) for terms in judged) for n in TERMS]
        about = style.description
        trained = about["loss"]["loss_network"]["weights"]
        if share := about.get("training", {}).get("slim_steps_share"):
            trained = f"slim {share:.0%}, {trained}"
        kinds.setdefault(objective_of(about), []).append(shown)
        steps = str(about.get("training", {}).get("steps", "?"))
        figures = (statistics.mean(totals), min(totals), max(totals), *means)
        rows.append((shown, trained, steps, *(f"{value:.4f}" for value in figures)))
    who = f"{loss.vgg.architecture}, {loss.vgg.source} weights"
    title = f"judged by {who}, on {count(len(photos), 'photo')} at {options.size} px"
    table = Table(title=title)
    for column in ("style", "trained with"):
        table.add_column(column)
    for column in ("steps", "objective", "least", "most", *TERMS):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(escape, row))  # a name may have brackets
    if len(kinds) > 1:
        groups = "; ".join(", ".join(names) for names in kinds.values())
        print(f"warning: trained for different objectives, don't compare across: {groups}",
              file=sys.stderr)  # fmt: skip
    Console(width=120).print(table)
    return int(len(photos) < len(files))
