"""The same as ``fst export``."""

from fst.interfaces.cli import run

run("export")
