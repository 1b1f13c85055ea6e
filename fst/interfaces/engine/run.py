"""``fst stylize --engine ray``: what it refuses, and which kind of photos it was given."""

import argparse
import sys

from fst.errors import InputError
from fst.inference.pixel_options import OF_PIXELS
from fst.inference.ways import FOLLOWING, OF_PREDICTION
from fst.interfaces.chosen_styles import chosen_of
from fst.interfaces.engine.pictures import paint_pictures

OWN = ("workers", "address", "batch")
"""Options that only this engine knows."""


def check_plain(options: argparse.Namespace) -> None:
    """That the plain engine was asked nothing of the other one's.

    Raises:
        InputError: it was.
    """
    for name in OWN:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for --engine ray")


def paint_many(options: argparse.Namespace) -> int:
    """Paints; the exit status tells whether any photo failed."""
    check_many(options)
    return paint_pictures(options, sys.stdout)


def check_many(options: argparse.Namespace) -> None:
    """That nothing is asked that many workers can't do.

    Raises:
        InputError: it is.
    """
    chosen = chosen_of(options)
    pixels = [name for name in (*OF_PIXELS, *FOLLOWING) if name not in OF_PREDICTION]
    refused = [name for name in pixels if name in chosen]
    refused += [name for name in ("mask", "refine", "feather", "format") if getattr(options, name)]
    if options.method == "optimize":
        refused.append("method optimize")
    if refused:
        option = "--" + refused[0].replace("_", "-").replace("method-", "method ")
        raise InputError(f"--engine ray paints photos in one pass: leave out {option}, or --engine")
    if "-" in options.photos or options.output == "-":
        raise InputError("--engine ray reads and writes files: stdin and stdout are not for it")
    if options.output is None:
        raise InputError("--engine ray paints into a folder: name it by --output")
