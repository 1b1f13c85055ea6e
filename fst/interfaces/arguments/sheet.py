"""What ``fst sheet`` is told."""

from fst.choices import MAX_PIXELS
from fst.interfaces.arguments.options import Parser, above_zero, percent, positive, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst sheet",
        "PHOTO [options]",
        "Paints one photo in every style there is a net for, or in those that are named, onto one "
        "sheet to choose from. Paintings are painted by the any-painting net.",
        (
            "fst sheet photo.jpg",
            "fst sheet photo.jpg --styles paintings/ --output sheet.png",
            "fst sheet photo.jpg --styles monet gallery painting.jpg --size 384",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("photos", nargs="+", metavar="PHOTO", help="one photo")
    add("--styles", nargs="+", default=[], metavar="STYLE",
        help="folders of paintings, paintings, styles, files of many styles (default: all styles "
        "that there is a net for)")
    add("--output", metavar="PATH", help="a file, or a folder (default: PHOTO-sheet beside it)")
    add("--overwrite", action="store_true", help="replace what is there")
    add("--size", type=positive, default=256, metavar="PIXELS",
        help="long side of each picture (default: %(default)s)")
    add("--columns", type=positive, metavar="N", help="pictures in a row (default: what fits)")
    add("--style-weight", type=above_zero, metavar="WEIGHT",
        help="of paintings, 2 to 40 (default: 12)")
    add("--stroke-size", type=positive, metavar="PIXELS",
        help="long side at which paintings are seen, 256 to 768 (default: fits --size)")
    add("--quality", type=percent, default=92, metavar="1-100", help="of JPEGs and WebPs")
    add("--no-record", action="store_true", help="the sheet doesn't say how it was painted")
    add("--max-pixels", type=positive, default=MAX_PIXELS, metavar="N",
        help="refuse a larger photo, and a larger sheet (default: %(default)s)")
    shared(parser, "--device", "--precision", "--checkpoints")
    # fmt: on
    return parser
