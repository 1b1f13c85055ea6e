"""The same as ``fst video``."""

from fst.interfaces.cli import run

run("video")
