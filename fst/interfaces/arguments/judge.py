"""What ``fst judge`` is told."""

from fst.interfaces.arguments.options import Parser, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst judge",
        "STYLE [STYLE ...] --photos DIR [options]",
        "Tells the objective of trained styles under one and the same loss network, VGG-19 unless "
        "another is named. So nets can be compared that were trained against different ones.",
        (
            "fst judge monet checkpoints/mine.safetensors --photos photos/",
            "fst judge monet mine --photos photos/ --weights slim --limit 8",
            "fst judge weaker stronger --photos photos/ --style-weight 6",
        ),
    )
    parser.add_argument("styles", nargs="+", metavar="STYLE", help="trained styles or their files")
    shared(
        parser,
        "--photos",
        type=None,
        required=True,
        help="a folder, or a name in FST_ASSETS/photos",
    )
    shared(parser, "--limit", "--size")
    shared(parser, "--margin", default=0)
    shared(parser, "--weights", default="auto")
    for term in ("content", "style", "tv"):
        parser.add_argument(f"--{term}-weight", type=float, metavar="WEIGHT",
                            help="that judges (default: each style's own)")  # fmt: skip
    shared(parser, "--painting", "--device", "--precision", "--checkpoints")
    return parser
