"""What ``fst style-page`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst style-page",
        "STYLE [options]",
        "Writes a page about a finished style: pictures of photos that the net never saw, the "
        "figures of its comparisons with the optimization, and how it was trained.",
        (
            "fst style-page monet",
            "fst style-page monet --reports report/monet-256 report/monet-512",
        ),
    )
    add = parser.add_argument
    add("style", metavar="STYLE", help="a finished style, or its checkpoint's file")
    add(
        "--reports",
        nargs="*",
        type=Path,
        default=[],
        metavar="DIR",
        help="folders that fst compare has written (default: none)",
    )
    shared(parser, "--photos", help="photos (default: FST_ASSETS/photos/eval)")
    shared(parser, "--size", default=640)
    add(
        "--output",
        type=Path,
        default=Path("docs/styles"),
        metavar="DIR",
        help="for the page and its picture (default: %(default)s)",
    )
    add(
        "--overwrite",
        action="store_true",
        help="replace what is no earlier page of the style",
    )
    add(
        "--notes",
        type=str,
        default="",
        metavar="TEXT",
        help="what else is to be said (default: nothing)",
    )
    shared(parser, "--device", "--precision")
    return parser
