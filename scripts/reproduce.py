"""The same as ``fst reproduce``."""

from fst.interfaces.cli import run

run("reproduce")
