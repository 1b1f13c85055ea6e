"""What ``fst export`` is told."""

import argparse
import re
from pathlib import Path

from fst.choices import EXPORT_TARGETS, MARGIN
from fst.interfaces.arguments.options import Parser, shared


def size(text: str) -> tuple[int, int]:
    """``WIDTHxHEIGHT`` in pixels."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(f"a width and height in pixels, 512x384, not {text!r}")
    return int(found[1]), int(found[2])


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst export",
        "STYLE --to NAME [NAME ...] [options]",
        "Puts the net of a style into a file that other runtimes read, and proves that they paint "
        "the same pictures with it: a file that does not is not kept.",
        (
            "fst export monet --to onnx",
            "fst export monet --to onnx pt2 --uint8 --output app/",
            "fst export painting.jpg --to openvino --half",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("style", metavar="STYLE", help="a style, checkpoint, painting or blend")
    add("--to", nargs="+", required=True, choices=EXPORT_TARGETS, metavar="NAME",
        help=", ".join(EXPORT_TARGETS))
    add("--output", type=Path, default=Path("exported"), metavar="DIR",
        help="folder of the files (default: %(default)s)")
    add("--overwrite", action="store_true", help="replace files that are there")
    add("--uint8", action="store_true",
        help="pictures in and out are bytes, N x H x W x 3, as decoders give them (default: floats "
        "from 0 to 1, N x 3 x H x W)")
    add("--half", action="store_true", help="weights in half precision: half of the file")
    add("--int8", action="store_true", help="whole numbers of 8 bits: smaller and faster, "
        "less exact")
    add("--calibrate", type=Path, nargs="+", default=[], metavar="PHOTOS",
        help="photos and folders of them that --int8 learns its ranges from (default: four at "
        "hand)")
    add("--runtime", type=Path, metavar="FILE",
        help="ONNX Runtime for browsers, for --to web: onnxruntime-web as npm packs it, or its "
        "folder (default: fetched once, 33 MB)")
    add("--size", type=size, metavar="WxH",
        help="for litert (default: 512x512) pictures have just this size, for executorch "
        "(1024x1024) at most")
    shared(parser, "--margin", default=None,
        help="a pass goes on so far beyond the photo's border: 0, 4, 8 ... 256 (default: "
        f"what the style needs, mostly {MARGIN})")
    shared(parser, "--checkpoints")
    # fmt: on
    return parser
