"""The same as ``fst compare``."""

from fst.interfaces.cli import run

run("compare")
