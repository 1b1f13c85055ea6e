"""The same as ``fst train``."""

from fst.interfaces.cli import run

run("train")
