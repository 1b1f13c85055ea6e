"""What ``fst serve`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, count, positive, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst serve",
        "[--host ADDRESS] [--port 8000] [options]",
        "A page to paint photos on, and a service that other programs call. It is reached from "
        "this machine alone, unless --host says otherwise; then it asks for a token. Ctrl-C ends "
        "it.",
        (
            "fst serve",
            "fst serve --port 0 --no-browser",
            "fst serve --host 0.0.0.0 --token A_LONG_SECRET_WORD",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("--host", default="127.0.0.1", metavar="ADDRESS",
        help="address to listen at (default: 127.0.0.1, this machine alone)")
    add("--port", type=count, default=8000, metavar="N", help="0 takes a free one (default: 8000)")
    add("--token", metavar="WORD",
        help="what clients have to know (default: the variable FST_TOKEN; else none on this "
        "machine, and beyond it one is made and printed)")
    add("--allow-host", action="append", default=[], metavar="NAME",
        help="a name by which others reach it, behind a proxy; needs a token")
    add("--behind-proxy", action="store_true",
        help="a proxy on this machine says who asks (X-Forwarded-For); needs a token")
    add("--no-browser", action="store_true", help="don't open the page")
    shared(parser, "--checkpoints")
    add("--photos", type=Path, metavar="DIR", help="photos that trainings take")
    add("--folder", type=Path, default=Path(), metavar="DIR",
        help="where trainings write runs/, paintings/ and, without --checkpoints, checkpoints/ "
        "(default: the current folder)")
    add("--no-training", action="store_true", help="no trainings")
    add("--workers", type=positive, default=1, metavar="N",
        help="pictures that are painted at a time")
    add("--queue", type=count, default=16, metavar="N", help="requests that may wait")
    add("--per-client", type=positive, default=4, metavar="N",
        help="requests that one client may have in work")
    add("--max-bytes", type=positive, default=50_000_000, metavar="N", help="of a file")
    add("--max-pixels", type=positive, default=64_000_000, metavar="N", help="of a picture")
    shared(parser, "--device", "--precision")
    # fmt: on
    return parser
