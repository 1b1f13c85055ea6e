"""What ``fst train`` is told: settings, which Hydra composes, and a few flags."""

import argparse
import difflib
import re
import sys
from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

import yaml

from fst.assets import shipped
from fst.interfaces.arguments import train_help
from fst.interfaces.arguments.options import Parser
from fst.styles.names import file_called, is_path
from fst.training.earlier import renamed

ELSEWHERE = ("config_dir", "config_name", "config_path", "hydra_help", "info")
"""Flags with which the configuration, or the help, is not this package's."""


OWN = "For a painting of your own: style=my.jpg"


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
        if len(typed) == 2 and typed[0] in ("-h", "--help"):
            if typed[1] not in train_help.GROUPS:
                self.exit(
                    2, f"error: no group {typed[1]!r}: there are {', '.join(train_help.GROUPS)}\n"
                )
            print(train_help.group_help(typed[1]))
            self.exit()
        options = self.parse_intermixed_args(typed, namespace)
        options.words = [word for word in typed if word != "--user"]
        if not any(getattr(options, name) for name in ELSEWHERE):
            self._check(options.settings, options.multirun)
        return options

    def _check(self, settings: Sequence[str], several: bool) -> None:
        """Ends with one line where there is no style, setting or choice of that name."""
        settings = [renamed(word) for word in settings]
        given = {word.partition("=")[0]: word.partition("=")[2] for word in settings}
        resumes = given.get("resume", "null") not in ("", "null")
        if "style" not in given and (several or not (resumes or "style.image" in given)):
            names = ", ".join(train_help.style_names())
            self.exit(
                2,
                f"error: which style? fst train style=NAME, one of {names}. {OWN} "
                "(fst train --help)\n",
            )
        known = known_keys()
        for key, value in given.items():
            if key[:1] in "+~" or key.startswith("hydra") or "@" in key:
                continue  # Hydra's business
            if f"{key}={value}" not in settings:
                self.error(f"{key!r} sets nothing: write SETTING=VALUE")
            if key not in known:
                self.error(f"no setting {key!r}{_near(key, known)}")
            self._check_choice(key, value)

    def _check_choice(self, group: str, value: str) -> None:
        choices = train_help.choices(group)
        if group == "style" and is_path(value.strip("'\"")):
            return  # a painting; it is opened later
        for name in value.split(",") if choices else ():
            if re.fullmatch(r"[\w ./-]+", name) and name not in _allowed(group, choices):
                self.error(f"no {group} {name!r}: {_instead(group, name, choices)}")


def _instead(group: str, name: str, choices: Collection[str]) -> str:
    """What may have been meant by a choice that is none."""
    if group == "style" and (painting := file_called(name)) is not None:
        return f"did you mean style={painting}, the painting in this folder?"
    near = difflib.get_close_matches(name.lower(), choices, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    own = f". {OWN}" if group == "style" else ""
    return (
        f"{hint}There are {', '.join(choices)}{own}"
        if hint
        else (f"there are {', '.join(choices)}{own}")
    )


def _allowed(group: str, choices: Collection[str]) -> Collection[str]:
    """An experiment may be left out; no other group may."""
    return (*choices, "null") if group == "experiment" else choices


def _near(key: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(key, sorted(known), n=1)
    return f": did you mean {found[0]}?" if found else ""


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
