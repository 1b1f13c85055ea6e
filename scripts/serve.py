"""The same as ``fst serve``."""

from fst.interfaces.cli import run

run("serve")
