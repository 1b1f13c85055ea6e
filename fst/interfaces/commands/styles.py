"""Lists the styles: what can be painted, trained and optimized, and what is at hand for it.

Reads the headers of checkpoints, without torch: an overview is not worth waiting for.
"""

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from fst import assets
from fst.errors import AssetError, CheckpointError, InputError
from fst.styles.description import MANY
from fst.styles.headers import many_files, read_header, styles_of, title_of

VGG19_FILES = ("vgg19_caffe_fp16.safetensors", "vgg19-dcbb9e9d.pth")
"""The files of VGG-19 that training takes by itself (:data:`fst.loss_networks.sources.AUTO`)."""

ANY = "any"
"""The any-painting net (:data:`fst.styles.predicted.ANY`)."""

NO_STYLES = ("base", ANY)
"""Checkpoints that are no styles: what trainings begin with, and what takes any painting."""


def main(options: argparse.Namespace) -> int:
    """Prints what can be painted, trained and optimized."""
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
    taken = set(trained)
    for path in many_files(folders):
        held = [(name_of(path, about, taken), *said(about)) for about in styles_of(path)]
        say(f"{len(held)} styles in one file, {path.stem} ({place_of(path.parent)}):")
        console.print(table(("name", "title", "painter"), held))
        taken |= {about["name"] for about in styles_of(path)}
    if (takes_any := any_painting(folders)) is not None:
        say(f"Any painting in one pass, too ({place_of(takes_any.parent)}):")
        say("  fst stylize photo.jpg --style painting.jpg")
        say("  fst sheet photo.jpg --styles paintings/  (one photo in all of a folder)\n")
    say("Train (fst train style=NAME):")
    rows = [(name, title, who, where(name, painting)) for name, title, who, painting in files]
    console.print(table(("name", "title", "painter", "painting"), rows))
    say(f"  VGG-19:  {vgg19() or 'not here: downloaded at the first use (550 MB)'}")
    say(f"  photos:  {photos() or 'not here: streamed from the hub (COCO, data=coco)'}")
    say("  begin:   init=base, the mean of five nets; experiment=cpu and quick do")
    say("  Without them: fst train style=NAME loss=slim data=sample")
    say("  or with photos of your own: data=folder data.path=photos/")
    say("  A painting of your own: fst train style=my.jpg")
    say('  Several in one file: fst train "style=[monet,my.jpg]"\n')
    say("Optimize the pixels, in the style of any painting, or of these:")
    say("  fst stylize photo.jpg --style painting.jpg --method optimize  (without VGG-19:")
    say("  --weights slim)")
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
    for path in sorted(folder.glob("*.safetensors")):
        if path.stem in NO_STYLES:
            continue
        try:
            header = read_header(path)
        except CheckpointError:
            about = ("(not a trained style, or damaged)", "")
        else:
            if header["net"]["name"] == MANY:
                continue
            about = said(header["style"])
        rows.append((path.stem, *about, place_of(folder)))
    return rows


def said(about: Mapping[str, Any]) -> tuple[str, str]:
    """Title and painter of a style."""
    return title_of(about), str(about.get("painter") or "")


def name_of(path: Path, about: Mapping[str, Any], taken: Collection[str]) -> str:
    """What a style of a many-file is asked for by."""
    name = str(about["name"])
    return f"{path.stem}:{name}" if name in taken else name


def place_of(folder: Path) -> str:
    """A folder of checkpoints, in words."""
    return "comes with fst" if folder == assets.shipped("checkpoints") else str(folder)


def any_painting(folders: Sequence[Path]) -> Path | None:
    """The any-painting net that would be taken."""
    files = (folder / f"{ANY}.safetensors" for folder in folders)
    return next((path for path in files if path.is_file()), None)


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
