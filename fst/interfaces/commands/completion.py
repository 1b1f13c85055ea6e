"""Completes the words of ``fst`` in a shell, by argcomplete, which asks the parsers themselves."""

import argparse
import importlib
import os

import argcomplete
from argcomplete.shell_integration import shellcode

from fst.interfaces import cli


def main(options: argparse.Namespace) -> int:
    """Prints the script for a shell."""
    print(shellcode(["fst"], shell=options.shell))
    return 0


def answer() -> None:
    """Tells the shell what could come next (it gives the line in ``COMP_LINE``), and ends."""
    parser = argparse.ArgumentParser(prog="fst", allow_abbrev=False)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers()
    typed = os.environ.get("COMP_LINE", "").split()
    for name in cli.names():
        if name in typed:
            module = f"fst.interfaces.arguments.{name.replace('-', '_')}"
            about = importlib.import_module(module).parser()
            commands.add_parser(name, parents=[about], add_help=False)
        else:
            commands.add_parser(name)
    argcomplete.autocomplete(parser, always_complete_options=False, print_suppressed=True)
