"""The program ``fst``: ``fst COMMAND …`` runs one of :data:`COMMANDS`.

A command is two modules: what it is told, in :mod:`fst.interfaces.arguments`, which is light, and
what it does, in :mod:`fst.interfaces.commands`, which is imported only once it is clear what to do.
"""

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from fst.errors import one_line_errors
from fst.system.signals import leaving_at_once, stop_signals
from fst.system.streams import steady_streams
from fst.version import __version__

COMMANDS = {
    "to paint with": {
        "stylize": "paint photos in a style",
        "video": "paint clips, steadily, with their sound",
        "styles": "list the styles: trained, to be trained, to be optimized",
        "live": "a camera, painted while you look",
        "serve": "a page to paint photos on, and a service for programs",
        "sheet": "one photo in every style there is, to choose from",
        "train": "train a net for a painting",
        "pack": "put many styles into one file",
        "export": "put a style into a file for other runtimes",
        "compare": "one pass against the optimization, photo by photo",
        "demo": "all of it in a few minutes",
        "completion": "make a shell complete the words of fst",
    },
    "for those who develop fst": {
        "judge": "the objective of trained styles under one loss",
        "study": "how style transfer works, in labeled grids of pictures",
        "reproduce": "train a shipped style again and compare",
        "benchmark": "time training and passes against the usual way",
        "style-page": "write a page about a trained style",
        "distill": "train the slim loss network",
        "reptile": "train a net that trainings begin with",
        "portrait": "make the texture portrait of a style",
        "embed": "put a slim loss network into the package",
    },
}
"""Group -> name -> what it does; each has a module of arguments and one of commands."""


def names() -> list[str]:
    """The commands."""
    return [name for group in COMMANDS.values() for name in group]


def main(words: Sequence[str] | None = None) -> NoReturn:
    """``fst COMMAND …``; alone it lists the commands.

    Args:
        words: what was typed after ``fst``; None takes them from ``sys.argv``.
    """
    name, *rest = (sys.argv[1:] if words is None else list(words)) or ["--help"]
    if "_ARGCOMPLETE" in os.environ:  # the shell asks what could come next
        importlib.import_module("fst.interfaces.commands.completion").answer()
        sys.exit(0)
    if name in names():
        run(name, rest)
    with steady_streams():
        if name == "--version":
            print(f"fst {__version__}")
        elif name in ("-h", "--help", "help"):
            print(overview())
        else:
            near = difflib.get_close_matches(name, names(), n=1)
            hint = f"did you mean fst {near[0]}?" if near else f"there are {', '.join(names())}"
            print(f"error: no command {name!r}: {hint}", file=sys.stderr)
            sys.exit(2)
    sys.exit(0)


def overview() -> str:
    """The commands, one line each."""
    lines = ["Fast style transfer: repaint photos in the style of a painting.", ""]
    for group, commands in COMMANDS.items():
        lines += [f"{group}:", *(f"  fst {name:12}{what}" for name, what in commands.items()), ""]
    return "\n".join([*lines, "fst COMMAND --help tells more; fst --version"])


def run(name: str, words: Sequence[str] | None = None) -> NoReturn:
    """Runs a command and ends the process with its status.

    Args:
        name: of the command.
        words: what was typed after it; None takes them from ``sys.argv``, as in a script.
    """
    module = name.replace("-", "_")
    with steady_streams(), stop_signals(), one_line_errors():
        with leaving_at_once("stopped: nothing was done yet"):
            parser = importlib.import_module(f"fst.interfaces.arguments.{module}").parser()
            options = parser.parse_args(sys.argv[1:] if words is None else list(words))
            command = importlib.import_module(f"fst.interfaces.commands.{module}")
        sys.exit(command.main(options))
