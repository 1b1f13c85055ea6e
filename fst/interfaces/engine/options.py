"""What can be asked of ``fst stylize --engine ray`` and what of the plain engine."""

import argparse
from pathlib import Path

from fst.errors import InputError
from fst.inference.pixel_options import OF_PIXELS
from fst.inference.ways import FOLLOWING, OF_PREDICTION
from fst.interfaces.chosen_styles import chosen_of
from fst.system.packages import need

OWN = ("workers", "address", "batch")
"""Options that only this engine knows."""

HUB = "hub:"
"""Before the name of a data set."""


def check_plain(options: argparse.Namespace) -> None:
    """That the plain engine was asked nothing of the other one's.

    Raises:
        InputError: it was.
    """
    for name in OWN:
        if getattr(options, name) is not None:
            raise InputError(f"--{name} is for --engine ray")
    for given in options.photos:
        if given.startswith(HUB) and not Path(given).exists():
            raise InputError(f"{given} is a data set, whose photos --engine ray paints")


def check_many(options: argparse.Namespace) -> None:
    """That nothing is asked that many workers can't do, and that there is what starts them.

    Raises:
        InputError: it is, or there is none.
    """
    chosen = chosen_of(options)
    pixels = [name for name in (*OF_PIXELS, *FOLLOWING) if name not in OF_PREDICTION]
    refused = [f"--{name.replace('_', '-')}" for name in pixels if name in chosen]
    refused += [f"--{name}" for name in ("mask", "refine", "feather") if getattr(options, name)]
    refused += ["--method optimize"] if options.method == "optimize" else []
    if refused:
        raise InputError(
            f"--engine ray paints in one pass, without masks: {refused[0]} does not go with it"
        )
    if "-" in options.photos or options.output == "-":
        raise InputError("--engine ray reads and writes files: stdin and stdout are not for it")
    if options.output is None or Path(options.output).is_file():
        raise InputError("--engine ray paints into a folder: name one by --output")
    need("ray", "ray", "--engine ray")
