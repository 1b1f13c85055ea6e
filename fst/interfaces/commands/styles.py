"""Lists the styles: what can be painted, trained and optimized, and what is at hand for it.

Reads the headers of checkpoints, without torch: an overview is not worth waiting for.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from safetensors import SafetensorError, safe_open

from fst import assets
from fst.errors import AssetError, InputError
from fst.system.files import utf8_path

VGG19_FILES = ("vgg19_caffe_fp16.safetensors", "vgg19-dcbb9e9d.pth")
"""The files of VGG-19 that training takes by itself (:data:`fst.loss_networks.weights.AUTO`)."""

START = "base"
"""A checkpoint that is no style: what trainings begin with."""


def main(options: argparse.Namespace) -> int:
    """Prints three lists."""
    if options.checkpoints and not options.checkpoints.is_dir():
        raise InputError(f"no folder of checkpoints {str(options.checkpoints)!r}")
    folders = [options.checkpoints] if options.checkpoints else assets.checkpoint_folders()
    trained: dict[str, tuple[str, ...]] = {}
    for row in (row for folder in folders for row in checkpoints(folder)):
        trained.setdefault(row[0], row)  # the first of a name is the one that is taken
    files = style_files(assets.shipped("configs") / "style")
    console = Console(width=None if sys.stdout.isatty() else 120)
    say = console.out
    say("Paint in one pass (fst stylize photo.jpg --style NAME):")
    if trained:
        console.print(table(("name", "title", "painter", "folder"), list(trained.values())))
    else:
        say(f"  none in {', '.join(map(str, folders))}\n")
    say("Train (fst train style=NAME):")
    rows = [(name, title, who, where(name, painting)) for name, title, who, painting in files]
    console.print(table(("name", "title", "painter", "painting"), rows))
    say(f"  VGG-19:  {vgg19() or 'not here: downloaded at the first use (550 MB)'}")
    say(f"  photos:  {photos() or 'not here: streamed from the hub (COCO, data=coco)'}")
    say("  begin:   init=base, the mean of five nets; experiment=cpu and quick do")
    say("  Without them: fst train style=NAME loss=slim data=sample")
    say("  or with photos of your own: data=folder data.path=photos/")
    say("  A painting of your own: fst train style=my.jpg\n")
    say("Optimize the pixels, in the style of any painting, or of these with --method optimize:")
    say("  fst stylize photo.jpg --style painting.jpg  (without VGG-19: --weights slim)")
    return 0


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Rows below each other, without lines."""
    made = Table(box=None, pad_edge=True, padding=(0, 1), header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*map(escape, row))  # a name may have brackets
    made.add_row()
    return made


def checkpoints(folder: Path) -> list[tuple[str, str, str, str]]:
    """Name, title, painter and place of the trained styles in a folder."""
    rows = []
    place = "comes with fst" if folder == assets.shipped("checkpoints") else str(folder)
    for path in sorted(folder.glob("*.safetensors")):
        if path.stem == START:  # paints in no style: a training begins with it
            continue
        try:
            style = header(path)["style"]
            if not isinstance(style, dict):
                raise TypeError("no mapping")
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError):
            rows.append((path.stem, "(not a trained style, or damaged)", "", place))
            continue
        title = style.get("title") or f"(a painting: {style.get('image') or 'unknown'})"
        rows.append((path.stem, str(title), str(style.get("painter") or ""), place))
    return rows


def header(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself.

    Raises:
        SafetensorError, OSError, KeyError, ValueError: not a whole safetensors file of ours.
    """
    with utf8_path(path) as same, safe_open(same, framework="np") as file:
        about: dict[str, Any] = json.loads((file.metadata() or {})["fst"])
    return about


def style_files(folder: Path) -> list[tuple[str, str, str, str]]:
    """Name, title, painter and painting of the style files in a folder."""
    rows = []
    for path in sorted(folder.glob("*.yaml")):
        style = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "image" not in style:  # trainings of many styles, which are no style
            continue
        title, painter = str(style.get("title") or ""), str(style.get("painter") or "")
        rows.append((path.stem, title, painter, str(style["image"])))
    return rows


def where(name: str, painting: str) -> str:
    """Where the painting of a style is found, or what stands in for it."""
    portrait = assets.shipped("embedded") / "portraits" / f"{name}.jpg"
    if portrait.is_file():  # a shipped one: a name, which no file of the current folder has
        found = [f / painting for f in assets.search_path("styles") if (f / painting).is_file()]
        return str(found[0]) if found else "not here: its texture portrait stands in"
    try:
        return str(assets.find("styles", painting))
    except AssetError:
        return "not here"


def vgg19() -> str | None:
    """Where VGG-19's weights are, if they need no download."""
    for name in VGG19_FILES:
        try:
            return str(assets.find("weights", name))
        except AssetError:
            continue
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")  # as torch.hub.get_dir() has it
    home = Path(os.environ.get("TORCH_HOME", f"{cache}/torch")).expanduser()
    cached = home / "hub" / "checkpoints" / VGG19_FILES[-1]
    return str(cached) if cached.exists() else None


def photos() -> str | None:
    """Where the photos are that are trained on unless others are named."""
    try:
        return str(assets.find("photos", "train"))
    except AssetError:
        return None
