"""The same as ``fst judge``."""

from fst.interfaces.cli import run

run("judge")
