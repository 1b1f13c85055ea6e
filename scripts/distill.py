"""The same as ``fst distill``."""

from fst.interfaces.cli import run

run("distill")
