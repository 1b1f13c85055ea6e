"""``fst stylize --engine ray``: what it refuses, and which kind of photos it was given."""

import argparse
import os
import sys
from pathlib import Path
from typing import TextIO

from fst.assets import find_images
from fst.data.tables import open_data_set, open_parquet
from fst.errors import InputError, in_a_line
from fst.inference.stylizers import FeedForwardStylizer
from fst.inference.targets import plan
from fst.interfaces.chosen_styles import files_of, say_how
from fst.interfaces.engine.manifest import FAILURES, opened, stamp_of
from fst.interfaces.engine.options import HUB
from fst.interfaces.engine.parts import ERROR, Source
from fst.interfaces.engine.pictures import key_of, paint_pictures
from fst.interfaces.engine.tables import paint_tables
from fst.interfaces.engine.worker import Painting, prepare
from fst.system.device import pick_device, pick_precision


def paint_many(options: argparse.Namespace) -> int:
    """Paints; the exit status tells whether any photo failed.

    Raises:
        FstError: what can't be painted so, or not at all.
    """
    out = sys.stdout
    painting = prepare(options)
    check_pass(painting)
    # what is faster here is what all workers do: it can be seen in the pictures
    precision = pick_precision(options.precision, pick_device(options.device))
    options.precision = {"torch.float32": "fp32", "torch.bfloat16": "bf16"}[str(precision)]
    name = "-".join(style.name for style in painting.styles)
    folder = Path(options.output)
    sources = sources_of(options, name, folder)
    planned = None
    if not sources:
        if options.format is not None:
            raise InputError("--format is for tables: pictures in files keep their formats")
        others = [path for style in painting.styles for path in files_of(style)]
        planned = plan(options.photos, folder / "", name, others, by_name=options.no_record)
    folder.mkdir(parents=True, exist_ok=True)
    with opened(folder) as manifest:
        say_how(options, painting.styles, [layer.stylizer for layer in painting.layers])
        if planned is None:
            ours = tuple(f"{source.name}-" for source in sources)
            status = paint_tables(options, painting, sources, manifest, out)
            failed = manifest.list_failures(lambda target: target.startswith(ours))
        else:
            keys = {key_of(job, manifest) for job in planned.jobs}
            status = paint_pictures(options, painting, planned, manifest, out)
            failed = manifest.list_failures(keys.__contains__)
    return status or _end(failed + len(planned.errors if planned else ()), failed, folder, out)


def _end(wrong: int, failed: int, folder: Path, out: TextIO) -> int:
    """Says where the failures are; the exit status."""
    if failed:
        print(in_a_line(f"failed: {failed}, with reasons in {folder / FAILURES}"), file=out)
    return int(wrong > 0)


def check_pass(painting: Painting) -> None:
    """That there is a net.

    Raises:
        InputError: there is none.
    """
    for style, layer in zip(painting.styles, painting.layers, strict=True):
        if not isinstance(layer.stylizer, FeedForwardStylizer):
            raise InputError(
                f"--engine ray paints in one pass, and {style.asked} has no net: fst styles lists "
                "those that have one"
            )


def sources_of(options: argparse.Namespace, style: str, output: Path) -> list[Source]:
    """The tables among what was given; none where it is photos in files.

    Raises:
        FstError: tables and other things together; a table that can't be read, or has no photos.
    """
    sources, files = [], 0
    for given in options.photos:
        if given.startswith(HUB):
            table = open_data_set(given.removeprefix(HUB))
            sources.append(Source(table, f"{_called(table.name)}-{style}", given))
            continue
        found = _parquet_files(Path(given), output)
        files += not found
        for path, name in found:
            sources.append(Source(open_parquet(path), f"{name}-{style}", stamp_of(path)))
    if sources and files:
        raise InputError("photos in tables and photos in files are painted one after the other")
    if options.format == "tif":
        raise InputError("a table's pictures are jpg (default), png or webp, not tif")
    for source in sources:
        if ERROR in source.table.data.features:
            raise InputError(f"{source.table.name} has a column {ERROR!r}: rename it")
    names = [source.name for source in sources]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"two tables would be called {twice[0]}: paint them one by one")
    return sources


def _parquet_files(given: Path, output: Path) -> list[tuple[Path, str]]:
    """A Parquet file, or those in a folder without pictures, with the names of their results."""
    if given.suffix.lower() == ".parquet" and given.is_file():
        return [(given, given.stem)]
    if not given.is_dir() or find_images(given).photos:
        return []
    written = Path(os.path.realpath(output))
    found = [path for path in sorted(given.rglob("*.parquet")) if path.is_file()]
    return [
        (path, path.relative_to(given).with_suffix("").as_posix())
        for path in found
        if written not in Path(os.path.realpath(path)).parents
    ]


def _called(name: str) -> str:
    """A data set's name as a part of a file's."""
    return "-".join(part for part in Path(name).parts[-2:] if part != "/")
