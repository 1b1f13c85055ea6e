"""Completes the words of ``fst`` in a shell, by argcomplete, which asks the parsers themselves."""

import argparse
import importlib
import os
from typing import Any

import argcomplete
from argcomplete.completers import BaseCompleter, FilesCompleter
from argcomplete.shell_integration import shellcode

from fst.assets import checkpoint_folders
from fst.interfaces import cli
from fst.interfaces.arguments import train, train_help
from fst.styles.headers import many_files


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
    argcomplete.autocomplete(
        parser, always_complete_options=False, print_suppressed=True, default_completer=Words()
    )


class Words(BaseCompleter):
    """What a value can be that no choices are declared for: a style, a setting, or a file."""

    def __call__(self, *, prefix: str, action: argparse.Action, **others: Any) -> list[str]:
        """Those that begin with ``prefix``; ``others`` is what argcomplete tells besides."""
        if action.dest == "settings":
            return _settings(prefix)
        files: list[str] = FilesCompleter()(prefix, **others)
        return [*_styles(), *files] if action.dest in ("style", "styles") else files


def _styles() -> list[str]:
    """Those that are trained, alone or many in a file, and those that can be."""
    folders = checkpoint_folders()
    alone = {path.stem for folder in folders for path in folder.glob("*.safetensors")}
    among = {name for names in many_files(folders).values() for name in names}
    return sorted(alone | among | set(train_help.style_names()))


def _settings(prefix: str) -> list[str]:
    """``style=`` goes on with the names of styles, ``loss=`` with those of losses."""
    key, equals, _ = prefix.partition("=")
    if equals:
        return [f"{key}={choice}" for choice in train_help.choices(key)]
    hidden = ("_", "defaults", "hydra")  # what a file says to Hydra
    return [
        f"{name}="
        for name in sorted(train.known_keys())
        if not any(part.startswith(hidden) for part in name.split("."))
    ]
