"""The same as ``fst benchmark``."""

from fst.interfaces.cli import run

run("benchmark")
