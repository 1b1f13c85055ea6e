"""What ``fst stylize`` is told."""

import argparse

from fst.choices import ENGINES, METHODS
from fst.interfaces.arguments.optimizing import optimizing_options
from fst.interfaces.arguments.options import (
    Parser,
    count,
    memory,
    percent,
    positive,
    shared,
    strokes,
)
from fst.interfaces.arguments.painting import (
    control_options,
    help_all,
    rare_options,
    size_options,
    style_options,
)


def parser(everything: bool = False) -> Parser:
    """The command line.

    Args:
        everything: the help has the rarer options, too. All are understood either way.
    """
    parser = Parser(
        "fst stylize",
        "PHOTO [PHOTO ...] --style NAME [options]",
        "Paints photos in a style or in that of any painting, in one pass; or optimizes the pixels "
        "(--method optimize). `fst styles` lists the styles.",
        (
            "fst stylize photo.jpg --style monet",
            "fst stylize photos/ --style monet --output painted/ --size 1024",
            "fst stylize photo.jpg --style painting.jpg --stroke-size 700",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("photos", nargs="+", metavar="PHOTO", help="photos and folders of photos; -: stdin")
    add("--help-all", action=help_all(_long_page), nargs=0,
        help="also the options of the optimization")
    style_options(parser)
    add("--output", metavar="PATH",
        help="a file for one photo, a folder for several; -: stdout")
    add("--overwrite", action="store_true", help="replace what is there")
    add("--method", choices=METHODS, default="auto", metavar="HOW", help=", ".join(METHODS))
    size_options(parser, "photo")
    shared(parser, "--device", "--precision")
    add("--memory", type=memory, metavar="2GB", help="what a pass may take besides the photo")
    add("--format", choices=("png", "jpg", "webp", "tif"), metavar="KIND",
        help="of stdout: png (default), jpg, webp, tif")
    add("--quality", type=percent, default=95, metavar="1-100", help="of JPEGs and WebPs")
    add("--no-record", action="store_true", help="results don't say how they were painted")
    add("--keep-location", action="store_true", help="results say where the photos were taken")
    shared(parser, "--checkpoints")
    mask = "white where the style is painted, black where not"
    add = control_options(parser, "photo", mask).add_argument
    add("--seamless", action="store_true", help="the result tiles the plane")
    add("--refine", type=count, default=0, metavar="N",
        help="iterations of the optimization afterwards")
    # fmt: on
    _rare(parser, everything)
    return parser


def _long_page() -> Parser:
    return parser(everything=True)


def _rare(parser: Parser, shown: bool) -> None:
    """Options that the short help page leaves out."""

    def say(text: str) -> str:
        return text if shown else argparse.SUPPRESS

    # fmt: off
    rare = parser.add_argument_group("rarely needed")
    rare_options(rare, "photos", "the photo's", say)
    rare.add_argument("--style-size", type=strokes, metavar="SIZE",
        help=say("another name of --stroke-size (default: its)"))
    rare.add_argument("--engine", choices=ENGINES, default="plain", metavar="NAME",
        help=say("plain (default); ray: many workers, also tables, hub:NAME"))
    rare.add_argument("--workers", type=positive, metavar="N",
        help=say("of ray (default: one for each GPU, or CPU)"))
    rare.add_argument("--address", metavar="HOST:PORT",
        help=say("of a Ray cluster (default: starts one here); auto"))
    rare.add_argument("--batch", type=positive, metavar="N",
        help=say("photos that a worker is given at a time (default: 16)"))
    # fmt: on
    optimizing_options(parser, say)
