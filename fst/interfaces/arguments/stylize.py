"""What ``fst stylize`` is told."""

import argparse
from pathlib import Path
from typing import Any

from fst.choices import (
    BACKENDS,
    FEATHER,
    INITS,
    MARGIN,
    MAX_PIXELS,
    METHODS,
    OPTIMIZERS,
    PRESERVE,
    UPSAMPLE,
)
from fst.interfaces.arguments.options import (
    Parser,
    count,
    memory,
    percent,
    positive,
    shared,
    strokes,
)
from fst.optimization.presets import PRESETS


class _HelpAll(argparse.Action):
    """Prints the long help page."""

    def __call__(self, *_: Any) -> None:
        page = parser(everything=True)
        page.print_help()
        page.exit()


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
    add("--help-all", action=_HelpAll, nargs=0, help="also the options of the optimization")
    add("--style", action="append", default=[], metavar="NAME",
        help="a style, checkpoint or painting; several: a --mask each")
    add("--blend", metavar="A=0.7,B=0.3", help="a style between styles or paintings")
    add("--output", metavar="PATH",
        help="a file for one photo, a folder for several; -: stdout")
    add("--overwrite", action="store_true", help="replace what is there")
    add("--method", choices=METHODS, default="auto", metavar="HOW", help=", ".join(METHODS))
    add("--size", type=positive, metavar="PIXELS",
        help="long side to paint at (default: the photo's)")
    add("--upsample", choices=UPSAMPLE, metavar="HOW",
        help=f"with --size: back to the photo's size: {', '.join(UPSAMPLE)}")
    shared(parser, "--device", "--precision")
    add("--memory", type=memory, metavar="2GB", help="what a pass may take besides the photo")
    add("--format", choices=("png", "jpg", "webp", "tif"), metavar="KIND",
        help="of stdout: png (default), jpg, webp, tif")
    add("--quality", type=percent, default=95, metavar="1-100", help="of JPEGs and WebPs")
    add("--no-record", action="store_true", help="results don't say how they were painted")
    add("--keep-location", action="store_true", help="results say where the photos were taken")
    shared(parser, "--checkpoints")
    add = parser.add_argument_group("control").add_argument
    add("--strength", type=float, default=1.0, metavar="0-1", help="0: the photo; 1: painted")
    add("--preserve-color", choices=PRESERVE, metavar="HOW",
        help=f"keep the photo's colors: {', '.join(PRESERVE)}")
    add("--mask", type=Path, action="append", default=[], metavar="FILE",
        help="white where the style is painted, black where not")
    add("--stroke-size", dest="style_size", type=strokes, metavar="SIZE",
        help="small, medium, large, or pixels (default: as learned)")
    add("--style-weight", type=float, metavar="WEIGHT", help="of a painting (default: 12)")
    add("--seamless", action="store_true", help="the result tiles the plane")
    add("--refine", type=count, default=0, metavar="N",
        help="iterations of the optimization afterwards")
    # fmt: on
    _rare(parser, everything)
    return parser


def _rare(parser: Parser, shown: bool) -> None:
    """Options that the short help page leaves out."""

    def say(text: str) -> str:
        return text if shown else argparse.SUPPRESS

    # fmt: off
    rare = parser.add_argument_group("rarely needed")
    shared(rare, "--margin",
           help=say(f"a pass goes on so far beyond the photo's border (default: {MARGIN})"))
    rare.add_argument("--backend", choices=("auto", *BACKENDS), default="auto", metavar="NAME",
        help=say(f"auto (default), {', '.join(BACKENDS)}"))
    rare.add_argument("--style-size", type=strokes, metavar="SIZE",
        help=say("another name of --stroke-size (default: its)"))
    rare.add_argument("--feather", type=float, metavar="SHARE",
        help=say(f"of masks, of the long side (default: {FEATHER})"))
    rare.add_argument("--max-pixels", type=positive, default=MAX_PIXELS, metavar="N",
        help=say("refuse larger photos (default: %(default)s)"))
    group = parser.add_argument_group("optimizing the pixels")
    add = group.add_argument
    add("--preset", choices=PRESETS, metavar="NAME",
        help=say(f"settings of the literature: {', '.join(PRESETS)}"))
    shared(group, "--iterations", help=say("default: 500; preset course: 2500"))
    add("--optimizer", choices=OPTIMIZERS, metavar="NAME", help=say(", ".join(OPTIMIZERS)))
    add("--learning-rate", type=float, metavar="RATE", help=say("default: lbfgs 1, adam 0.02"))
    add("--init", choices=INITS, metavar="PICTURE",
        help=say(f"what to start from: {', '.join(INITS)} (default: the photo)"))
    shared(group, "--seed", help=say("of the noise"))
    add("--content-weight", type=float, metavar="WEIGHT", help=say("of the photo"))
    add("--tv-weight", type=float, metavar="WEIGHT", help=say("of smoothness"))
    add("--pooling", choices=("max", "avg"), metavar="KIND", help=say("of VGG-19: max, avg"))
    shared(group, "--weights", help=say("of VGG-19: auto, caffe, torchvision, slim, or a file"))
    add("--save-every", type=positive, metavar="N",
        help=say("also write every Nth iterate, into RESULT.iterates/"))
    # fmt: on
