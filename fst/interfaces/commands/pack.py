"""Puts many styles into one file: ``fst pack a.jpg b.jpg --output many.safetensors``."""

import argparse
import shlex
import sys

from fst import assets
from fst.errors import InputError, in_a_line
from fst.styles.catalog import BASE
from fst.styles.headers import SUFFIX, checkpoint_called, find_in_many
from fst.styles.many import save_many
from fst.styles.names import check_name
from fst.styles.pack import gather
from fst.styles.predicted import ANY
from fst.system.files import identity
from fst.system.outputs import check_file


def main(options: argparse.Namespace) -> int:
    """Gathers, writes, says how large it became; 1 where a painting had to be left out."""
    check_file("--output", options.output, options.overwrite, SUFFIX)
    if check_name(options.output.stem) in (ANY, BASE):
        raise InputError(f"--output {options.output}: {ANY} and {BASE} are no styles' names")
    check_not_read(options)
    pack = gather(options.styles, options.checkpoints, options.style_weight, options.stroke_size)
    rows = pack.rows
    size = save_many(options.output, pack.shared, rows, options.overwrite)
    whole = options.output.stat().st_size
    styles = "1 style" if len(rows) == 1 else f"{len(rows)} styles"
    shared = (whole - size * len(rows)) / 1e6
    sizes = f"{size / 1e3:.1f} KB a style, and {shared:.2f} MB that they share"
    print(in_a_line(f"wrote {options.output}: {styles}, {whole / 1e6:.2f} MB; {sizes}"))
    first = f"{options.output}:{rows[0][1]['name']}"
    print(in_a_line(f"paint with it: fst stylize photo.jpg --style {shlex.quote(first)}"))
    for line in pack.left_out:
        print(f"error: {in_a_line(line)}", file=sys.stderr)
    return 1 if pack.left_out else 0


def check_not_read(options: argparse.Namespace) -> None:
    """That the file to write is none of those that are read.

    Raises:
        InputError: it is one of them.
    """
    given = options.checkpoints
    folders = assets.checkpoint_folders() if given is None else (given,)
    files = {checkpoint_called(word, folders) for word in options.styles}
    for word in options.styles:
        if checkpoint_called(word, folders) is None and (found := find_in_many(word, folders)):
            files.add(found[0])
    read = {identity(path) for path in files if path is not None}
    if options.output.exists() and identity(options.output) in read:
        raise InputError(f"--output {options.output} is one of the files to pack: give another")
