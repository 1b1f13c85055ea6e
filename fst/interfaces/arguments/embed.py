"""What ``fst embed`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, shared

HELD_OUT = ("great_wave", "the_scream")
"""Paintings that the slim network never saw."""


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst embed",
        "NETWORK [options]",
        "Puts a slim loss network into the package: measures how well it agrees with VGG-19 on "
        "photos and paintings that it never saw, and writes it with these figures to "
        "fst/embedded/. The checksum that it prints belongs into fst/loss_networks/weights.py.",
        ("fst embed slim.safetensors", "fst embed slim.safetensors --folder out/ --limit 2"),
    )
    # fmt: off
    add = parser.add_argument
    add("network", type=Path, metavar="NETWORK", help="from fst distill")
    add("--folder", type=Path, metavar="DIR", help="where to write (default: fst/embedded)")
    shared(parser, "--photos", type=None, default="eval", help="photos that it never saw")
    shared(parser, "--limit", default=8, help="of the photos (default: %(default)s)")
    add("--paintings", nargs="+", default=HELD_OUT, metavar="NAME",
        help="paintings that it never saw")
    shared(parser, "--size")
    add("--overwrite", action="store_true", help="replace a network and figures that are there")
    add("--report", type=Path, metavar="FILE",
        help="also write all figures to this JSON file (default: none)")
    # fmt: on
    return parser
