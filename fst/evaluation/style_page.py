"""A page about a trained style: pictures, figures and how it was made."""

import json
import shlex
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fst.choices import MARGIN
from fst.errors import InputError
from fst.evaluation.artifacts import Artifacts
from fst.evaluation.report_folder import REPORT, SCHEMA
from fst.styles.description import margin_of
from fst.styles.reproduce import training_arguments


def read_report(folder: Path, name: str, training: dict[str, Any]) -> dict[str, Any]:
    """A comparison's figures.

    Raises:
        InputError: there are none, or they are another style's, or an earlier training's.
    """
    try:
        report: dict[str, Any] = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        if report.get("unfinished"):
            raise InputError(f"the comparison in {folder} was stopped: run it again to its end")
        style, schema = report["style"]["name"], report["schema"]
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{folder} holds no report of fst compare") from error
    if schema != SCHEMA:
        raise InputError(f"{folder} was written by another version: compare again")
    if style != name:
        raise InputError(f"{folder} compares {style}, not {name}")
    if report.get("training") != training:
        raise InputError(f"{folder} compares another training of {style}: compare again")
    return report


def is_page(file: Path, name: str) -> bool:
    """Whether a file is a page about the style of that name, as it is written here."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    return text.startswith("# ") and f"]({name}.jpg)" in text and _last_line(name) in text


def _last_line(name: str) -> str:
    return f"`make reproduce STYLE={name}` trains it again and compares."


def figures(reports: Sequence[dict[str, Any]], margin: int = MARGIN) -> list[str]:
    """A table with a column for each comparison."""
    if not reports:
        return []

    def spread(values: dict[str, float], digits: int = 1) -> str:
        low, high = values["min"], values["max"]
        return f"**{values['median']:.{digits}f}** ({low:.{digits}f} to {high:.{digits}f})"

    heads = [f"{len(r['photos'])} photos at {r['settings']['size']} px" for r in reports]
    rows = {
        "equivalent iterations from the photo": [
            spread(r["equivalent_iterations"]["photo"]) for r in reports
        ],
        "equivalent iterations from noise": [
            spread(r["equivalent_iterations"]["noise"]) for r in reports
        ],
        "objective of one pass": [spread(r["objective"]["fast"], 3) for r in reports],
        "objective of the photo itself": [spread(r["objective"]["photo"], 2) for r in reports],
        "speed-up at equal objective": [
            f"{r['speedup']['equal_objective']:.0f} times" for r in reports
        ],
    }
    if all(r["artifacts"] for r in reports):  # none are measured in tiny pictures
        artifacts = [r["artifacts"] for r in reports]
        rows |= {
            "border energy (1: none is lost)": [spread(a["border"], 2) for a in artifacts],
            "checkerboard peak (about 1: none)": [spread(a["checkerboard"]) for a in artifacts],
            "dots per million pixels": [spread(_at_least_0(a["dots"]), 0) for a in artifacts],
            "dead area beyond the photo's": [
                f"{100 * max(0, a['flat']['max']):.1f} % at most" for a in artifacts
            ],
        }
        if all("regularity_ratio" in a for a in artifacts):  # an earlier version had none
            rows["regular texture (1: the painting's own)"] = [
                spread(a["regularity_ratio"]) for a in artifacts
            ]
    lines = [f"| | {' | '.join(heads)} |", "| --- |" + " --- |" * len(reports)]
    lines += [f"| {name} | {' | '.join(row)} |" for name, row in rows.items()]
    margins = {r["settings"].get("margin", 0) for r in reports}
    if margins == {margin}:
        told = f"Table and pictures have {_margin(margin)}, as `fst stylize` paints."
    else:
        bare = "the net's bare output" if margins == {0} else "the net's output as it was compared"
        told = f"The table is of {bare}; the pictures above have {_margin(margin)}."
    note = f"{told} Medians over all photos, in brackets the least and the most"
    return [*lines, "", f"{note} ([how they are measured](../quality.md)).", ""]


def _at_least_0(values: dict[str, float]) -> dict[str, float]:
    """Of an earlier version, whose figures were negative where the photo had more of a fault."""
    return {name: max(0.0, value) for name, value in values.items()}


def shown_artifacts(shown: Sequence[Artifacts | None], margin: int = MARGIN) -> str:
    """A sentence on the pictures as they are shown; empty where one is too small to measure."""
    if not shown or None in shown:
        return ""
    names = {"border": "border energy", "checkerboard": "checkerboard peak"}
    said = []
    for key, name in names.items():
        values = [getattr(one, key) for one in shown]
        spread = f"{min(values):.2f} to {max(values):.2f}"
        said.append(f"{name} **{statistics.median(values):.2f}** ({spread})")
    return f" Of these pictures, painted with {_margin(margin)}: {', '.join(said)}."


def _margin(pixels: int) -> str:
    return f"a margin of {pixels} pixels" if pixels else "no margin"


def render_style_page(
    about: dict[str, Any],
    reports: Sequence[dict[str, Any]],
    size: int,
    count: int,
    notes: str,
    shown: Sequence[Artifacts | None] = (),
) -> str:
    """The page as Markdown, with ``count`` pictures of ``size`` pixels."""
    style, training, data = about["style"], about["training"], about["data"]
    title = style.get("title") or style["name"]
    work = ", ".join(str(style[key]) for key in ("painter", "year", "rights") if style.get(key))
    photos = "one photo" if data["batch_size"] == 1 else f"{data['batch_size']} photos"
    trained = [
        f"{training['steps']:,} steps of {photos} at {data['size']} px",
        f"painting at {style['size']} px",
        f"weights {about['loss']['content_weight']:g} (content) to "
        f"{about['loss']['style_weight']:g} (style)",
    ]
    if target := style.get("strength_target"):
        trained[-1] += f", calibrated for a strength of {target:g}"
    if share := training.get("slim_steps_share"):
        trained.append(f"the first {share:.0%} of the steps judged by the slim network")
    where = f"on {training.get('machine') or training.get('device', 'an unknown machine')}"
    if seconds := training.get("seconds"):
        where = f"{seconds:,} seconds {where}"
    lines = [
        f"# {title}",
        f"{work}. `--style {style['name']}`" if work else f"`--style {style['name']}`",
        "",
        f"![{title}, on {count} {'photo' if count == 1 else 'photos'}]({style['name']}.jpg)",
        "",
        f"One pass each, {size} px; in the corner the photo, which the net was never trained on."
        + shown_artifacts(shown, margin_of(about)),
        "",
        *figures(reports, margin_of(about)),
        *([notes, ""] if notes else []),
        *("## How it was trained", "", "<!-- test: short -->", "```bash"),
        shlex.join(["fst", "train", *training_arguments(about), "overwrite=true"]),
        "```",
        f"{'; '.join(trained)}. {where}.",
        _last_line(style["name"]),
    ]
    return "\n".join(lines) + "\n"
