"""A page about a finished style: ``fst style-page monet --reports report/monet-256``.

The painting, pictures of photos that the net never saw, the figures of its comparisons with the
optimization (``fst compare``), and how it was trained; as docs/styles/<style>.md and .jpg.
"""

import argparse

from fst.evaluation.artifacts import MEASURABLE_SIDE, measure_artifacts
from fst.evaluation.photos import find_photos, read_photos
from fst.evaluation.style_page import is_page, read_report, render_style_page
from fst.image.io import save_image
from fst.image.sheet import inset_sheet
from fst.inference.painter import NetPainter
from fst.styles.catalog import load_style
from fst.styles.reproduce import training_arguments
from fst.system.device import pick_device, pick_precision
from fst.system.files import atomic_file
from fst.system.memory import keep_freed_memory
from fst.system.outputs import check_file, check_folder

PICTURES = 6


def main(options: argparse.Namespace) -> int:
    """Reads, paints, writes; 1 where a photo had to be left out."""
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    check_folder("--output", options.output)
    style = load_style(options.style, device=device)
    name = style.name
    training_arguments(style.description)  # before anything is painted
    training = style.description["training"]
    reports = [read_report(folder, name, training) for folder in options.reports]
    page, sheet = (options.output / f"{name}{suffix}" for suffix in (".md", ".jpg"))
    if options.output.is_dir():
        for file in (page, sheet):
            check_file("--output", file, options.overwrite or is_page(page, name))
    files = find_photos(options.photos or "eval")
    files = files[:: max(1, len(files) // PICTURES)][:PICTURES]
    keep_freed_memory()
    painter = NetPainter(style.net, dtype, margin=style.margin)
    pairs, shown = [], []
    for photo in read_photos(files, options.size):
        pairs.append((painter(photo.to(device)).cpu().clone(), photo))
        measurable = min(photo.shape[2:]) >= MEASURABLE_SIDE
        shown.append(measure_artifacts(painter, photo.to(device)) if measurable else None)
    options.output.mkdir(parents=True, exist_ok=True)
    with atomic_file(page) as temporary:
        text = render_style_page(
            style.description, reports, options.size, len(pairs), options.notes, shown
        )
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    save_image(sheet, inset_sheet(pairs), quality=90)  # last: it is known by its page
    print(f"wrote {page}")
    return int(len(pairs) < len(files))
