"""What ``fst styles`` is told."""

from fst.interfaces.arguments.options import Parser, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst styles",
        "[options]",
        "Lists the styles that can be painted in one pass, those that can be trained and what is "
        "at hand for that, and what can be optimized. Needs no network.",
        ("fst styles", "fst styles --checkpoints my/nets"),
    )
    shared(parser, "--checkpoints")
    return parser
