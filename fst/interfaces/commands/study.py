"""Studies of how style transfer works, as the papers show them: ``fst study ratio``."""

import argparse

from fst.research.studies import features, optimized, units
from fst.system.memory import keep_freed_memory


def main(options: argparse.Namespace) -> int:
    """Paints or measures, writes grid and page; 1 where a photo had to be left out."""
    keep_freed_memory()
    kinds = {"units": units.run, "features": features.run}
    return kinds.get(options.kind, optimized.run)(options)
