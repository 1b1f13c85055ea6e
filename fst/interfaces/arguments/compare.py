"""What ``fst compare`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst compare",
        "--style NAME --photos DIR [DIR ...] [options]",
        "Compares one pass with the optimization, photo by photo, and writes a report: how many "
        "iterations the pass is worth, and how much faster it is.",
        (
            "fst compare --style monet --photos photos/",
            "fst compare --style checkpoints/mine.safetensors --photos photos/ --limit 4 \\",
            "    --iterations 100 --output report/mine",
        ),
    )
    add = parser.add_argument
    add(
        "--style",
        required=True,
        metavar="NAME",
        help="a trained style, its checkpoint's file, or a painting",
    )
    shared(
        parser,
        "--photos",
        required=True,
        nargs="+",
        help="photos, folders of photos, or names in FST_ASSETS/photos (eval); best ones never "
        "trained on",
    )
    add(
        "--output",
        type=Path,
        default=Path("report"),
        metavar="DIR",
        help="for index.html and report.json: new, empty, or a report's (default: %(default)s)",
    )
    shared(parser, "--limit", "--size")
    shared(parser, "--iterations", default=200, help="of the optimization (default: %(default)s)")
    add("--until-equal", action="store_true", help="end an optimization once it equals the net")
    shared(parser, "--margin", default=0)
    shared(parser, "--seed", default=0)
    shared(parser, "--painting")
    shared(
        parser,
        "--weights",
        help="of the judge: auto, caffe, torchvision, slim, or a .safetensors file (default: slim "
        "for a style that was trained with it, else auto)",
    )
    shared(parser, "--device", "--precision", "--checkpoints")
    return parser
