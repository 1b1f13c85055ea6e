"""The same as ``fst sheet``."""

from fst.interfaces.cli import run

run("sheet")
