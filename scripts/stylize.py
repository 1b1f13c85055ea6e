"""The same as ``fst stylize``."""

from fst.interfaces.cli import run

run("stylize")
