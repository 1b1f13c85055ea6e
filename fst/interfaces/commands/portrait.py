"""Makes the texture portraits of styles: ``fst portrait monet``."""

import argparse

from fst.research.portraits import make, publish
from fst.styles.portraits import PORTRAITS
from fst.system.memory import keep_freed_memory


def main(options: argparse.Namespace) -> int:
    """Makes, measures and writes them."""
    keep_freed_memory()
    folder = options.folder or PORTRAITS
    folder.mkdir(parents=True, exist_ok=True)
    for style in options.styles:
        portrait, about = make(style, options.seed, options.effort)
        publish(folder, style, portrait, about, options.quality)
    return 0
