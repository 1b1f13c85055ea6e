"""The program ``fst``: ``fst COMMAND …`` runs one of :data:`COMMANDS`.

A command's module is imported when it is called: nobody waits for what they did not ask for.
"""

import importlib
import sys
from typing import NoReturn

from fst.errors import one_line_errors

COMMANDS = {
    "train": "train a net for a painting",
    "stylize": "paint photos in a style",
    "compare": "one pass against the optimization, photo by photo",
    "judge": "the objective of trained styles under one loss",
    "benchmark": "time training and passes against the usual way",
    "demo": "all of it in a few minutes",
    "reproduce": "train a shipped style again and compare",
    "style-page": "write a page about a trained style",
    "distill": "train the slim loss network",
    "embed": "put a slim loss network into the package",
}
"""Name -> what it does; each is a module of :mod:`fst.interfaces.commands` with a ``main``."""


def main() -> NoReturn:
    """``fst COMMAND …``; alone it lists the commands."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        for name, what in COMMANDS.items():
            print(f"fst {name:12}{what}")
        sys.exit(len(sys.argv) > 1 and sys.argv[1] not in ("-h", "--help"))
    name = sys.argv.pop(1)
    run(name)


def run(name: str) -> NoReturn:
    """Runs a command on the words of ``sys.argv`` and ends the process with its status."""
    with one_line_errors():
        module = importlib.import_module(f"fst.interfaces.commands.{name.replace('-', '_')}")
        sys.exit(module.main())
