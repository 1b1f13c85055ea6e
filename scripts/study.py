"""The same as ``fst study``."""

from fst.interfaces.cli import run

run("study")
