"""A page about a finished style: ``fst style-page monet --reports report/monet-256``.

The painting, pictures of photos that the net never saw, the figures of its comparisons with the
optimization (``fst compare``), and how it was trained; as docs/styles/<style>.md and .jpg.
"""

import argparse

from fst import assets
from fst.choices import MARGIN
from fst.evaluation.artifacts import MEASURABLE_SIDE, measure_artifacts
from fst.evaluation.style_page import read_report, render_style_page
from fst.image.io import load_image, save_image
from fst.image.picture import resize
from fst.image.sheet import inset_sheet
from fst.inference.painter import Painter
from fst.styles.catalog import load_style
from fst.styles.reproduce import training_arguments
from fst.system.device import pick_device, pick_precision
from fst.system.files import atomic_file, check_writable
from fst.system.memory import keep_freed_memory

PICTURES = 6


def main(options: argparse.Namespace) -> int:
    """Reads, paints, writes."""
    keep_freed_memory()
    device = pick_device(options.device)
    style = load_style(options.style, device=device)
    name = style.name
    training_arguments(style.description)  # before anything is painted
    training = style.description["training"]
    reports = [read_report(folder, name, training) for folder in options.reports]
    files = assets.list_images(options.photos or assets.find("photos", "eval"))
    files = files[:: max(1, len(files) // PICTURES)][:PICTURES]
    painter = Painter(style.net, pick_precision(options.precision, device), margin=MARGIN)
    pairs, shown = [], []
    for file in files:
        photo = resize(load_image(file), options.size).rgb
        pairs.append((painter(photo.to(device)).cpu().clone(), photo))
        measurable = min(photo.shape[2:]) >= MEASURABLE_SIDE
        shown.append(measure_artifacts(painter, photo.to(device)) if measurable else None)
    options.output.mkdir(parents=True, exist_ok=True)
    check_writable(options.output)
    save_image(options.output / f"{name}.jpg", inset_sheet(pairs), quality=90)
    written = options.output / f"{name}.md"
    with atomic_file(written) as temporary:
        text = render_style_page(
            style.description, reports, options.size, len(files), options.notes, shown
        )
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    print(f"wrote {written}")
    return 0
