"""What ``fst pack`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, above_zero, positive, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst pack",
        "STYLE [STYLE ...] --output FILE.safetensors [options]",
        "Puts many styles into one file: shared convolutions, and a few thousand numbers for each "
        "style. Paintings are predicted by the any-painting net; styles of other such files are "
        "taken as they are.",
        (
            "fst pack klimt.jpg munch.jpg --output mine.safetensors",
            "fst pack gallery mine.safetensors:klimt --output all.safetensors",
            "fst stylize photo.jpg --style mine.safetensors:klimt",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("styles", nargs="+", metavar="STYLE",
        help="paintings, folders of them, files of many styles, and FILE:STYLE for one of them")
    add("--output", type=Path, required=True, metavar="FILE", help="ends in .safetensors")
    add("--overwrite", action="store_true", help="replace a file that is there")
    add("--style-weight", type=above_zero, metavar="WEIGHT",
        help="of the paintings, 2 to 40 (default: 12)")
    add("--stroke-size", type=positive, metavar="PIXELS",
        help="long side at which the paintings are seen, 256 to 768 (default: 512)")
    shared(parser, "--checkpoints")
    # fmt: on
    return parser
