"""Makes the texture portraits of styles: ``fst portrait monet``."""

import argparse
from pathlib import Path

from fst.errors import AssetError, InputError
from fst.research.portraits import make, publish
from fst.styles.catalog import read_style
from fst.styles.portraits import PORTRAITS, read_figures
from fst.system.memory import keep_freed_memory
from fst.system.outputs import check_file, check_folder


def main(options: argparse.Namespace) -> int:
    """Makes, measures and writes them."""
    folder = options.folder or PORTRAITS
    check_folder("--folder", folder)
    if folder.is_dir():
        check_list(folder)
        for style in options.styles:
            check_file("--folder", folder / f"{style}.jpg", options.overwrite)
    for style in options.styles:
        read_style(style)  # or else a line, now
    keep_freed_memory()
    folder.mkdir(parents=True, exist_ok=True)
    for style in options.styles:
        portrait, about = make(style, options.seed, options.effort)
        publish(folder, style, portrait, about, options.quality)
    return 0


def check_list(folder: Path) -> None:
    """That the list of portraits in a folder, which a portrait is added to, is one.

    Raises:
        InputError: it is something else.
    """
    try:
        figures = read_figures(folder)
        if not all("sha256" in about for about in figures.values()):
            raise TypeError("no list of portraits")
    except (AssetError, AttributeError, TypeError) as error:
        raise InputError(
            f"--folder {folder}: portraits.json there is no list of portraits"
        ) from error
