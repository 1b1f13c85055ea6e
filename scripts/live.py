"""The same as ``fst live``."""

from fst.interfaces.cli import run

run("live")
