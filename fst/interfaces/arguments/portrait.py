"""What ``fst portrait`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, above_zero, percent, seed


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst portrait",
        "STYLE [STYLE ...] [options]",
        "Makes the texture portrait of a style: noise is optimized until its Gram matrices are the "
        "painting's, at several sizes. It stands in for the painting where that is missing. Takes "
        "the painting, VGG-19 and about ten minutes.",
        ("fst portrait monet", "fst portrait monet --folder out/ --effort 0.5"),
    )
    # fmt: off
    add = parser.add_argument
    add("styles", nargs="+", metavar="STYLE", help="names of style files")
    add("--folder", type=Path, metavar="DIR",
        help="where to write (default: fst/embedded/portraits)")
    add("--overwrite", action="store_true", help="replace portraits that are there")
    add("--seed", type=seed, default=0, metavar="N", help="of the noise")
    add("--quality", type=percent, default=88, metavar="1-100",
        help="of the JPEG file (default: %(default)s)")
    add("--effort", type=above_zero, default=1.0, metavar="SHARE",
        help="multiplies the iterations (default: 1)")
    # fmt: on
    return parser
