"""What ``fst train`` is told: settings, which Hydra composes, and a few flags."""

import argparse
import difflib
import re
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from fst.assets import shipped
from fst.errors import InputError
from fst.interfaces.arguments import train_help
from fst.interfaces.arguments.options import Parser
from fst.styles.names import file_called, is_path, listed
from fst.training.earlier import renamed

ELSEWHERE = ("config_name", "config_path", "hydra_help", "info")
"""Flags with which the configuration, or the help, is not this package's."""

SWITCHES = ("overwrite", "compile", "freeze")
"""Settings that are true or false, and false by default."""

OWN = "For a painting of your own: style=my.jpg"


class TrainParser(Parser):
    """Reads the flags; settings and flags of Hydra are passed on as ``words``."""

    def __init__(self) -> None:
        super().__init__("fst train", "style=NAME [SETTING=VALUE ...]", "Trains a net.")
        self._typed: list[str] = []

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
        self._typed = typed
        options = self.parse_intermixed_args(typed, namespace)
        options.words = [word for word in typed if word != "--user"]
        if not any(getattr(options, name) for name in ELSEWHERE):
            self._check(options.settings, options.multirun, options.config_dir)
        return options

    def error(self, message: str) -> NoReturn:
        """As for other commands; a setting that was typed as a flag is written as a setting."""
        flag = message.partition("unrecognized arguments: ")[2].partition(" ")[0]
        if not flag:
            super().error(message)
        message = f"unrecognized arguments: {flag}"  # the settings behind it are none
        if meant := _as_settings(flag, self._typed):
            hint = f"{message}: did you mean {' or '.join(meant)}?"
            self.exit(2, f"error: {hint} ({self.prog} --help lists what there is)\n")
        super().error(message)

    def _check(self, settings: Sequence[str], several: bool, folder: str | None) -> None:
        """Ends with one line where there is no style, setting or choice of that name."""
        settings = [renamed(word) for word in settings]
        given = {word.partition("=")[0]: word.partition("=")[2] for word in settings}
        resumes = given.get("resume", "null") not in ("", "null")
        if "style" not in given and (several or not (resumes or "style.image" in given)):
            names = ", ".join(train_help.style_names())
            self.exit(
                2,
                f"error: which style? fst train style=NAME, one of {names}, or any. {OWN} "
                "(fst train --help)\n",
            )
        known = known_keys(folder)
        for key, value in given.items():
            if key[:1] in "+~" or key.startswith("hydra") or "@" in key:
                continue  # Hydra's business
            if f"{key}={value}" not in settings:
                self.error(f"{key!r} sets nothing: write SETTING=VALUE")
            if key not in known:
                self.error(f"no setting {key!r}{near(key, known)}")
            self._check_choice(key, value, folder)

    def _check_choice(self, group: str, value: str, folder: str | None) -> None:
        choices = train_help.choices(group)
        if choices and folder:
            own = (path.stem for path in (Path(folder) / group).glob("*.yaml"))
            choices = sorted({*choices, *own})
        if group == "style" and is_path(value.strip("'\"")) and listed(value) is None:
            return  # a painting; it is opened later
        several = listed(value) if group == "style" else None
        names = value.split(",") if several is None else [n for n in several if not is_path(n)]
        for name in names if choices else ():
            if several is not None and name == train_help.ANY:
                self.error("style=any is a training of its own: fst train style=any")
            if re.fullmatch(r"[\w ./-]+", name) and name not in _allowed(group, choices):
                self.error(f"no {group} {name!r}: {_instead(group, name, choices)}")


def _as_settings(flag: str, typed: Sequence[str]) -> list[str]:
    """What a flag that there isn't is as a setting; of settings in several groups, all of them.

    Args:
        flag: as it was typed, ``--max-steps`` or ``--max-steps=20``.
        typed: all words; the value may be the one behind the flag.
    """
    if not flag.startswith("--"):
        return []
    key, equals, value = flag.removeprefix("--").partition("=")
    key = key.replace("-", "_")
    if not equals:
        behind = typed[typed.index(flag) + 1 :][:1] if flag in typed else []
        value = next((word for word in behind if "=" not in word and word[:1] != "-"), "")
        value = value or ("true" if key in SWITCHES else "VALUE")
    known = known_keys()
    names = [key] if key in known else sorted(k for k in known if k.endswith(f".{key}"))
    return [f"{name}={value}" for name in names if not name.startswith(("hydra", "logger"))]


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


def near(key: str, known: Collection[str]) -> str:
    """What is put behind a setting that there isn't."""
    found = difflib.get_close_matches(key, sorted(known), n=1)
    return f": did you mean {found[0]}?" if found else ""


def check_keys(settings: Mapping[str, Any], added: Collection[str], text: str) -> None:
    """That configuration files of the user's own set nothing that is mistyped.

    Args:
        settings: all of them, as plain values.
        added: settings that were typed with a ``+``: there need not be such.
        text: the configuration as YAML, with its references: what another value takes is read.

    Raises:
        InputError: a setting, or one of a group's, that nothing reads.
    """
    known = known_keys()
    for group, part in settings.items():
        ours = isinstance(part, Mapping) and str(part.get("_target_", "fst.")).startswith("fst.")
        keys = part if ours and group != "logger" else ()
        for name in (group, *(f"{group}.{key}" for key in keys)):
            if name not in known and name not in added and f"${{{name}" not in text:
                raise InputError(f"no setting {name!r}{near(name, known)} (in a file of settings)")


@cache
def known_keys(own: str | None = None) -> frozenset[str]:
    """Every setting and part of one that a configuration file has, and the groups.

    Args:
        own: a folder of the user's; what can't be read there is said later.
    """
    known = set(train_help.GROUPS)
    for folder in (shipped("configs"), *([Path(own)] if own else [])):
        for path in folder.rglob("*.yaml"):
            try:
                text = path.read_text(encoding="utf-8")
                content = yaml.safe_load(text)
            except (OSError, ValueError, yaml.YAMLError):
                continue
            whole = path.parent == folder or "# @package _global_" in text
            known |= _keys(content, "" if whole else f"{path.parent.name}.")
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
