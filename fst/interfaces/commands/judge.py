"""The objective of trained styles under one loss: ``fst judge a.safetensors b.safetensors``.

Nets that were trained against different loss networks, or for different times, are compared by what
the same judge, VGG-19 by default, says about their pictures of photos that none has seen. Those of
a sweep, trained with different weights of the terms, are comparable at one: ``--style-weight 6``.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fst.errors import InputError
from fst.evaluation.judge import judge
from fst.evaluation.photos import count, find_photos, read_photos
from fst.styles.catalog import find_style
from fst.styles.objective import load_objective
from fst.system.checks import number
from fst.system.device import pick_device, pick_precision
from fst.system.memory import keep_freed_memory

TERMS = ("content", "style", "tv")


def one_weight(options: argparse.Namespace) -> dict[str, float]:
    """The weights that all styles are judged with: ``style_weight`` ...; none is each one's own.

    Raises:
        InputError: a negative one, or none above 0.
    """
    names = [f"{term}_weight" for term in TERMS]
    asked = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    found = {name: number(f"--{name.replace('_', '-')}", value, 0) for name, value in asked.items()}
    if len(found) == len(TERMS) and not any(found.values()):
        raise InputError("with all weights 0 there is nothing to judge: give one above 0")
    return found


def objective_of(about: dict[str, Any], weights: Mapping[str, float] | None = None) -> str:
    """What has to agree for two objectives to be compared: all of the loss but its network.

    Args:
        about: a style's description.
        weights: of terms, that take the place of its own.
    """
    loss = {key: value for key, value in about["loss"].items() if key != "loss_network"}
    loss |= weights or {}
    network, style = about["loss"]["loss_network"], about["style"]
    seen = [network["pooling"], network.get("padding", "zeros")]
    return json.dumps([loss, *seen, style["image"], style["size"]])


def main(options: argparse.Namespace) -> int:
    """Judges, prints; 1 where a photo had to be left out."""
    weights = one_weight(options)
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
        _, loss = load_objective(
            style, device, dtype, options.painting, options.weights, own_network=False
        )
        for term, weight in weights.items():
            setattr(loss, term, weight)
        judged = judge(style.net, loss, photos, dtype, options.margin)
        totals = [float(terms.total) for terms in judged]
        means = [statistics.mean(float(getattr(terms, n)) for terms in judged) for n in TERMS]
        about = style.description
        trained = about["loss"]["loss_network"]["weights"]
        if share := about.get("training", {}).get("slim_steps_share"):
            trained = f"slim {share:.0%}, {trained}"
        kinds.setdefault(objective_of(about, weights), []).append(shown)
        steps = str(about.get("training", {}).get("steps", "?"))
        figures = (statistics.mean(totals), min(totals), max(totals), *means)
        rows.append((shown, trained, steps, *(f"{value:.4f}" for value in figures)))
    who = f"{loss.vgg.architecture}, {loss.vgg.source} weights"
    title = f"judged by {who}, on {count(len(photos), 'photo')} at {options.size} px"
    if options.margin:
        title += f", painted with a margin of {options.margin} pixels"
    if weights:
        said = (f"{term.replace('_', ' ')} {weight:g}" for term, weight in weights.items())
        title += f"; all at {', '.join(said)}"
    table = Table(title=title)
    for column in ("style", "trained with"):
        table.add_column(column)
    for column in ("steps", "objective", "least", "most", *TERMS):
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*map(escape, row))  # a name may have brackets
    if len(kinds) > 1:
        groups = "; ".join(", ".join(names) for names in kinds.values())
        hint = "" if "style_weight" in weights else " (--style-weight judges all at one)"
        print(f"warning: trained for different objectives, don't compare across: {groups}{hint}",
              file=sys.stderr)  # fmt: skip
    Console(width=120).print(table)
    return int(len(photos) < len(files))
