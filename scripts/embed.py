"""The same as ``fst embed``."""

from fst.interfaces.cli import run

run("embed")
