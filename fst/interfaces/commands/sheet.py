"""Paints one photo in many styles onto one sheet: ``fst sheet photo.jpg``."""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import Progress

from fst.errors import FstError, InputError, in_a_line
from fst.image.io import load_image, save_image
from fst.image.limits import check_size
from fst.image.picture import MIN_SIDE, Picture, from_pil, resize
from fst.image.record import fits
from fst.image.style_sheet import Cell, draw_sheet, lay_out
from fst.inference.difference import comparison
from fst.inference.options import PassOptions
from fst.inference.record import (
    FORMAT,
    record_of,
)
from fst.inference.sheet import SheetPainter, Wanted, cells, on_white, sources, wanted_styles
from fst.inference.targets import Job, plan, unfinished
from fst.styles.predicted import Asked
from fst.system.checks import whole_number
from fst.system.checksum import checksum
from fst.system.device import pick_device, pick_precision
from fst.system.files import free_path
from fst.system.memory import keep_freed_memory
from fst.version import __version__

NAME = "sheet"
"""What a sheet's file is called after its photo."""

_PHOTO = 2000
"""Bytes of a record that are kept free for what it says of the photo."""

PHOTO = "the photo"
"""What stands below the photo itself, which is the first picture."""


def main(options: argparse.Namespace) -> int:
    """Paints, writes; 1 where a style had to be left out."""
    check_asked(options)
    device = pick_device(options.device)
    dtype = pick_precision(options.precision, device)
    wanted = wanted_styles(options.styles, options.checkpoints)
    job = the_job(options, wanted)
    common = None if options.no_record else settings_of(options, wanted, str(dtype), device.type)
    if not unfinished([job], comparison(common, options.quality), options.overwrite):
        print(in_a_line(f"{job.target} was painted with these settings already (--overwrite "
                        "paints it anew)"))  # fmt: skip
        return 0
    photo = load_image(job.source, options.max_pixels, 1)
    check_room(options, job, photo, [PHOTO, *(one.name for one in wanted)])
    small = replace(resize(photo, options.size), exif=None, location=None)
    keep_freed_memory()
    of_pass = PassOptions(device, dtype, backend="eager")
    painter = SheetPainter(
        small, options.checkpoints, of_pass, options.style_weight, options.stroke_size
    )
    shown, failed = paint_all(painter, wanted)
    if not shown:
        return 1
    sheet = draw_sheet([Cell(on_white(small), PHOTO), *shown], options.columns)
    record = common and record_of(common, job, checksum(job.source), options.quality)
    write(options, job.target, replace(from_pil(sheet), icc_profile=photo.icc_profile), record)
    styles = "1 style" if len(shown) == 1 else f"{len(shown)} styles"
    print(in_a_line(f"wrote {job.target}: {styles}, {sheet.width}x{sheet.height}"))
    return int(failed)


def check_asked(options: argparse.Namespace) -> None:
    """What can be said of the options before anything is looked for.

    Raises:
        InputError: several photos, none, a stream, or a value out of range.
    """
    photos: list[str] = options.photos
    if len(photos) > 1:
        raise InputError(f"a sheet shows one photo, not {len(photos)}: {', '.join(photos[:3])}")
    if "-" in (*photos, options.output):
        raise InputError("a sheet is made of a file and written to a file, not - (a stream)")
    if Path(photos[0]).is_dir():
        raise InputError(f"{photos[0]} is a folder: a sheet shows one photo")
    whole_number("size (--size)", options.size, MIN_SIDE)
    given = {"style_weight": options.style_weight, "stroke_size": options.stroke_size}
    Asked(**{name: value for name, value in given.items() if value is not None})


def the_job(options: argparse.Namespace, wanted: Sequence[Wanted]) -> Job:
    """The photo and where its sheet goes, which is no file that is read."""
    read = [path for one in wanted for path in one.files]
    (job,) = plan(options.photos, options.output, NAME, read).jobs
    return job


def settings_of(
    options: argparse.Namespace, wanted: Sequence[Wanted], dtype: str, device: str
) -> dict[str, Any]:
    """What the record says, but for the photo."""
    names = ("size", "columns", "style_weight", "stroke_size")
    chosen = {name: getattr(options, name) for name in names}
    settings: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    said = {
        "format": FORMAT,
        "program": f"fst {__version__}",
        "styles": sources(wanted),
        "settings": {NAME: True, **settings, "precision": dtype.removeprefix("torch.")},
        "computed": {"device": device},
    }
    if fits({**said, "photo": "x" * _PHOTO}):
        return said
    together = hashlib.sha256(json.dumps(said["styles"]).encode()).hexdigest()
    return {**said, "styles": [{"name": f"{len(wanted)} styles", "source": {"sha256": together}}]}


def check_room(options: argparse.Namespace, job: Job, photo: Picture, names: Sequence[str]) -> None:
    """That the sheet is not absurdly large, and its format can hold it.

    Raises:
        InputError: it is; says what to do.
    """
    scale = options.size / max(photo.size)
    picture = (round(photo.size[0] * scale), round(photo.size[1] * scale))
    width, height = lay_out(names, picture, options.columns).size
    if width * height > options.max_pixels:
        raise InputError(
            f"a sheet of {len(names)} pictures of {options.size} pixels is {width}x{height}, more "
            f"than {options.max_pixels / 1e6:.0f} megapixels: give a smaller --size"
        )
    check_size(job.target, width, height)


def paint_all(painter: SheetPainter, wanted: Sequence[Wanted]) -> tuple[list[Cell], bool]:
    """The cells, with a bar and a line for each style that is left out; whether any was."""
    shown: list[Cell] = []
    failed = False
    terminal = sys.stdout is not None and sys.stdout.isatty()
    with Progress(transient=True, disable=not terminal) as bar:
        task = bar.add_task("painting", total=len(wanted))
        for one, made in cells(painter, wanted):
            if isinstance(made, Cell):
                shown.append(made)
            else:
                failed = True
                problem = (
                    made if isinstance(made, FstError) else f"{made.filename}: {made.strerror}"
                )
                print(f"error: {in_a_line(problem)}", file=sys.stderr, flush=True)
            bar.update(task, advance=1, description=escape(in_a_line(one.name)))
    return shown, failed


def write(
    options: argparse.Namespace, target: Path, sheet: Picture, record: dict[str, Any] | None
) -> None:
    """Into its folder, which is made; where somebody was quicker, beside what is there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        save_image(target, sheet, options.quality, options.overwrite, record)
    except FileExistsError as error:
        save_image(beside := free_path(target), sheet, options.quality, False, record)
        raise InputError(
            f"{target} was made by somebody else meanwhile, and left as it is; this is {beside}"
        ) from error
