"""A page about a finished style: ``scripts/style_page.py monet --reports report/monet-256``.

The painting, pictures of photos that the net never saw, the figures of its comparisons with the
optimization (scripts/compare.py), and how it was trained; as docs/styles/<style>.md and .jpg.
"""

import argparse
import json
import shlex
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fst import assets
from fst.artifacts import MIN_SIDE, Artifacts, measure
from fst.checkpoint import load_checkpoint
from fst.device import PRECISIONS, keep_freed_memory, pick_device, pick_precision
from fst.errors import InputError, one_line_errors
from fst.evaluate import SCHEMA
from fst.feedforward import Painter
from fst.image import atomic_file, check_writable, load_image, resize, save_image
from fst.recipe import recipe
from fst.sheet import inset_sheet
from fst.stylize import MARGIN, resolve_style

PICTURES = 6


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("style", help="name of a finished style, or the path of its checkpoint")
    add("--reports", nargs="*", type=Path, default=[], help="folders that compare.py has written")
    add("--photos", type=Path, help="folder of photos; default: FST_ASSETS/photos/eval")
    add("--size", type=int, default=640, help="long side of the pictures in pixels")
    add("--output", type=Path, default=Path("docs/styles"))
    add("--notes", default="", help="what else is to be said: what remains to be seen")
    add("--device", default="auto")
    add("--precision", choices=PRECISIONS, default="auto")
    return parser.parse_args()


def read_report(folder: Path, name: str, training: dict[str, Any]) -> dict[str, Any]:
    """A comparison's figures.

    Raises:
        InputError: there are none, or they are another style's, or an earlier training's.
    """
    try:
        report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        style, schema = report["style"]["name"], report["schema"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} holds no report of scripts/compare.py") from error
    if schema != SCHEMA:
        raise InputError(f"{folder} was written by another version: compare again")
    if style != name:
        raise InputError(f"{folder} compares {style}, not {name}")
    if report.get("training") != training:
        raise InputError(f"{folder} compares another training of {style}: compare again")
    return report


def figures(reports: Sequence[dict[str, Any]]) -> list[str]:
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
            "dots per million pixels": [spread(a["dots"], 0) for a in artifacts],
            "dead area beyond the photo's": [
                f"{100 * a['flat']['max']:.1f} % at most" for a in artifacts
            ],
        }
    lines = [f"| | {' | '.join(heads)} |", "| --- |" + " --- |" * len(reports)]
    lines += [f"| {name} | {' | '.join(row)} |" for name, row in rows.items()]
    margins = {r["settings"].get("margin", 0) for r in reports}
    what = "the net's bare output" if margins == {0} else "the net's output as it was compared"
    note = (
        f"The table is of {what}; the pictures above have a margin of {MARGIN} pixels. Medians "
        "over all photos, in brackets the least and the most"
    )
    return [*lines, "", f"{note} ([how they are measured](../quality.md)).", ""]


def shown_artifacts(shown: Sequence[Artifacts | None]) -> str:
    """A sentence on the pictures as they are shown; empty where one is too small to measure."""
    if not shown or None in shown:
        return ""
    names = {"border": "border energy", "checkerboard": "checkerboard peak"}
    said = []
    for key, name in names.items():
        values = [getattr(one, key) for one in shown]
        spread = f"{min(values):.2f} to {max(values):.2f}"
        said.append(f"{name} **{statistics.median(values):.2f}** ({spread})")
    return f" Of these pictures, painted with a margin of {MARGIN} pixels: {', '.join(said)}."


def page(
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
    where = f"on {training.get('machine', training['device'])}"
    if seconds := training.get("seconds"):
        where = f"{seconds:,} seconds {where}"
    lines = [
        f"# {title}",
        f"{work}. `--style {style['name']}`" if work else f"`--style {style['name']}`",
        "",
        f"![{title}, on {count} photos]({style['name']}.jpg)",
        "",
        f"One pass each, {size} px; in the corner the photo, which the net was never trained on."
        + shown_artifacts(shown),
        "",
        *figures(reports),
        *([notes, ""] if notes else []),
        "## How it was trained",
        "```",
        shlex.join(["python", "scripts/train.py", *recipe(about), "overwrite=true"]),
        "```",
        f"{'; '.join(trained)}. {where}.",
        f"`make reproduce STYLE={style['name']}` trains it again and compares.",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Reads, paints, writes."""
    options = parse()
    if options.size < 16:
        raise InputError("--size must be at least 16")
    path, _ = resolve_style(options.style)
    if path is None:
        raise InputError(f"{options.style!r} has no checkpoint to show")
    keep_freed_memory()
    device = pick_device(options.device)
    style = load_checkpoint(path, device)
    name = style.name
    training = style.description["training"]
    recipe(style.description)  # before anything is painted
    reports = [read_report(folder, name, training) for folder in options.reports]
    files = assets.list_images(options.photos or assets.find("photos", "eval"))
    files = files[:: max(1, len(files) // PICTURES)][:PICTURES]
    painter = Painter(style.net, pick_precision(options.precision, device), margin=MARGIN)
    pairs, shown = [], []
    for file in files:
        photo = resize(load_image(file), options.size).rgb
        pairs.append((painter(photo.to(device)).cpu().clone(), photo))
        measurable = min(photo.shape[2:]) >= MIN_SIDE
        shown.append(measure(painter, photo.to(device)) if measurable else None)
    options.output.mkdir(parents=True, exist_ok=True)
    check_writable(options.output)
    save_image(options.output / f"{name}.jpg", inset_sheet(pairs), quality=90)
    written = options.output / f"{name}.md"
    with atomic_file(written) as temporary:
        text = page(style.description, reports, options.size, len(files), options.notes, shown)
        temporary.write_text(text, encoding="utf-8")
    print(f"wrote {written}")
    return 0


if __name__ == "__main__":
    with one_line_errors():
        sys.exit(main())
