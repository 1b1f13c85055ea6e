"""What ``fst demo`` is told: nothing."""

from fst.interfaces.arguments.options import Parser


def parser() -> Parser:
    """The command line."""
    return Parser(
        "fst demo",
        "",
        "Stylizes a photo, trains The Starry Night for a few minutes, stylizes with it, and "
        "compares, command by command; writes into the folder demo/. Needs no network and no "
        "files. With a folder FST_ASSETS it takes its photos from there.",
        ("fst demo",),
    )
