"""The help of ``fst train``, written from the configuration files: keys, defaults, comments."""

import re
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from fst.assets import shipped, user_folder
from fst.interfaces.arguments.options import WIDTH

GROUPS = {
    "style": "the painting, and how strongly it is painted",
    "experiment": "several settings at once",
    "loss": "the network that judges, and how",
    "data": "the photos to train on",
    "net": "the net that is trained",
    "paintings": "for style=any: the paintings to learn from",
    "trainer": "steps, devices, how often what is written",
    "logger": "where figures are written",
}
"""The folders of the configuration, and what each is about."""

EXAMPLES = (
    ("style=monet experiment=cpu", "20 minutes, 2 cores"),
    ("style=monet experiment=quick", "a few minutes"),
    ("style=monet loss=slim data=sample", "offline, no files"),
    ("style=monet data=folder data.path=photos/", "photos of your own"),
    ("style=my.jpg experiment=minute", "your painting, soon"),
    ("resume=auto", "goes on after a stop"),
    ("-m style=monet,poppies", "one after the other"),
    ("style=monet --cfg job", "shows every value"),
)
"""What is typed after ``fst train``, and what it does."""

ANY = "any"
"""The choice of a style that is no style, but all of them."""

_LEFT = 30


@dataclass(frozen=True)
class Setting:
    """A setting as it is typed, its default, and the comment beside it."""

    key: str
    default: str
    comment: str

    @property
    def refers(self) -> bool:
        """Whether its value is that of another setting, which is the one to give."""
        return self.default.startswith("${")


def style_names() -> list[str]:
    """The style files that come with fst."""
    return [name for name in choices("style") if name != ANY]


def choices(group: str) -> list[str]:
    """The files of a group."""
    files = (shipped("configs") / group).glob("*.yaml")
    return sorted(path.stem for path in files if not path.stem.startswith("_"))


@cache
def main_settings() -> list[Setting]:
    """What ``train.yaml`` sets itself, the style's included."""
    found = _settings(shipped("configs") / "train.yaml", "")
    return [s for s in found if s.key.partition(".")[0] not in ("defaults", "hydra")]


@cache
def group_settings(group: str) -> list[Setting]:
    """What the files of a group set, each once: as in the file that is taken by default."""
    folder = shipped("configs") / group
    if group == "style":
        return [s for s in main_settings() if s.key.startswith("style.")]
    if group == "experiment":  # sets what others have
        return []
    first = [folder / "_base.yaml", folder / f"{default_choice(group)}.yaml"]
    found: dict[str, Setting] = {}
    for path in dict.fromkeys([*first, *sorted(folder.glob("*.yaml"))]):
        if path.is_file():
            for setting in _settings(path, f"{group}."):
                found.setdefault(setting.key, setting)
    return list(found.values())


@cache
def default_choice(group: str) -> str | None:
    """Which file of a group is taken where none is named; None where there is none."""
    text = (shipped("configs") / "train.yaml").read_text(encoding="utf-8")
    for part in yaml.safe_load(text).get("defaults", []):
        if isinstance(part, dict) and group in part:
            return None if part[group] == "???" else part[group]
    return None


def about(path: Path) -> str:
    """The comment that a configuration file begins with."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @"):
            lines.append(line.lstrip("# "))
    return " ".join(lines)


def overview() -> str:
    """The help page: examples, groups, the main settings."""
    lines = [
        "usage: fst train style=NAME|PATH [GROUP=CHOICE ...] [SETTING=VALUE ...] [--user]",
        "       fst train resume=auto|PATH [SETTING=VALUE ...]",
        "",
        "Trains a net for a painting: a style of the list below, or a picture's path.",
        "A resumed run takes its own settings, and those given here on top.",
        "Writes runs/<style>/<date>-<time>/ and",
        "checkpoints/<style>.safetensors in the current folder; with --user in",
        f"{user_folder('')}, where fst stylize finds it from any folder.",
        "",
        "examples:",
        *(f"  fst train {words:<47}{what}" for words, what in EXAMPLES),
        "",
        "groups (fst train --help GROUP tells what each choice is and what it sets):",
    ]
    for group, what in GROUPS.items():
        names = [f"{c}*" if c == default_choice(group) else c for c in choices(group)]
        lines += _entry(f"{group}=", f"{what}: {', '.join(names)}", 14)
    lines += ["", "settings, with their defaults (*: so are the choices with a star):"]
    for setting in main_settings():
        if not setting.key.startswith("style."):
            lines += _entry(f"{setting.key}={setting.default}", setting.comment)
    lines += ["", "A word with + adds a setting, with ~ takes one away: see hydra.cc."]
    return "\n".join(lines)


def group_help(group: str) -> str:
    """The choices of a group, and its settings."""
    lines = [f"{group}: {GROUPS.get(group, '')}", "", "choices (*: the default):"]
    for choice in choices(group):
        path = shipped("configs") / group / f"{choice}.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        what = about(path) or ", ".join(
            str(content[key]) for key in ("title", "painter", "year") if key in content
        )
        star = "*" if choice == default_choice(group) else ""
        lines += _entry(f"{group}={choice}{star}", what)
    if found := [setting for setting in group_settings(group) if not setting.refers]:
        lines += ["", "settings, with their defaults:"]
        for setting in found:
            lines += _entry(f"{setting.key}={setting.default}", setting.comment)
    return "\n".join(lines)


def _entry(left: str, right: str, width: int = _LEFT) -> list[str]:
    """Two columns; a long left one has lines for itself."""
    indent = " " * (width + 2)
    lines = textwrap.wrap(
        right, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    if len(left) < width and lines:
        return [f"  {left:<{width}}{lines[0].strip()}", *lines[1:]]
    return [*textwrap.wrap(left, WIDTH, initial_indent="  ", subsequent_indent="      "), *lines]


def _settings(path: Path, prefix: str) -> list[Setting]:
    """The keys of a file with a value of their own, in its order."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found: list[Setting] = []

    def walk(node: yaml.Node | None, prefix: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            if key.value.startswith("_") or name == f"{path.parent.name}.defaults":
                continue
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                walk(value, f"{name}.")
                continue
            shown = text[value.start_mark.index : value.end_mark.index].strip()
            comment = re.search(r"\s# (.*)$", lines[value.end_mark.line])
            default = "(needed)" if shown == "???" else shown
            found.append(Setting(name, default, comment[1] if comment else ""))

    walk(root, prefix)
    return found
