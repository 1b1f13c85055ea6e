"""The same as ``fst demo``."""

from fst.interfaces.cli import run

run("demo")
