"""The same as ``fst pack``."""

from fst.interfaces.cli import run

run("pack")
