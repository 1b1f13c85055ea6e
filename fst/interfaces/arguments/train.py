"""What ``fst train`` is told: settings, which Hydra composes, and a few flags."""

import argparse
import difflib
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import yaml

from fst.assets import shipped
from fst.interfaces.arguments import train_help
from fst.interfaces.arguments.options import Parser

ELSEWHERE = ("config_dir", "config_name", "config_path", "hydra_help", "info")
"""Flags with which the configuration, or the help, is not this package's."""


class TrainParser(Parser):
    """Reads the flags; settings and flags of Hydra are passed on as ``words``."""

    def __init__(self) -> None:
        super().__init__("fst train", "style=NAME [SETTING=VALUE ...]", "Trains a net.")

    def format_help(self) -> str:
        """The help page, from the configuration files."""
        return train_help.overview() + "\n"

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """The flags, and what is for Hydra; a mistake that can be seen from here ends at once."""
        typed = sys.argv[1:] if args is None else list(args)
        if len(typed) == 2 and typed[0] in ("-h", "--help") and typed[1] in train_help.GROUPS:
            print(train_help.group_help(typed[1]))
            self.exit()
        options = self.parse_intermixed_args(typed, namespace)
        options.words = [word for word in typed if word != "--user"]
        if not any(getattr(options, name) for name in ELSEWHERE):
            self._check(options.settings)
        return options

    def _check(self, settings: Sequence[str]) -> None:
        names = ", ".join(train_help.style_names())
        keys = [word.partition("=")[0] for word in settings]
        if "style" not in keys:
            self.exit(
                2,
                f"error: which style? fst train style=NAME, one of {names}. "
                "For a painting of your own: style=monet style.name=mine style.image=my.jpg "
                "(fst train --help)\n",
            )
        known = known_keys()
        for word, key in zip(settings, keys, strict=True):
            if key[:1] in "+~" or key.startswith("hydra") or "@" in key:
                continue
            if "=" not in word:
                self.error(f"{word!r} sets nothing: write SETTING=VALUE")
            if key not in known:
                near = difflib.get_close_matches(key, sorted(known), n=1)
                self.error(f"no setting {key!r}" + (f": did you mean {near[0]}?" if near else ""))


@cache
def known_keys() -> frozenset[str]:
    """Every setting and part of one that a configuration file has, and the groups."""
    folder = shipped("configs")
    known = set(train_help.GROUPS)
    for path in folder.rglob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        whole = path.parent == folder or "# @package _global_" in text
        known |= _keys(yaml.safe_load(text), "" if whole else f"{path.parent.name}.")
    return frozenset(known)


def _keys(content: Any, prefix: str) -> set[str]:
    if not isinstance(content, dict):
        return set()
    below = (_keys(value, f"{prefix}{key}.") for key, value in content.items())
    return {f"{prefix}{key}" for key in content}.union(*below)


def parser() -> Parser:
    """The command line."""
    parser = TrainParser()
    add = parser.add_argument
    add("settings", nargs="*", metavar="SETTING=VALUE")
    add("--user", action="store_true", help="write below the user's folder")
    add("-c", "--cfg", choices=("job", "hydra", "all"), help="show the values, train nothing")
    add("-m", "--multirun", action="store_true", help="one training for each value given")
    add("--resolve", action="store_true", help="with --cfg: references as values")
    add("-p", "--package", help="with --cfg: only this part")
    add("-cd", "--config-dir", help="a folder of further configuration files")
    add("-cn", "--config-name")
    add("-cp", "--config-path")
    add("-i", "--info", nargs="?", const="all")
    add("--hydra-help", action="store_true")
    return parser
