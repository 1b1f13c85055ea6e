"""The same as ``fst style-page``."""

from fst.interfaces.cli import run

run("style-page")
