"""The same as ``fst portrait``."""

from fst.interfaces.cli import run

run("portrait")
