"""What ``fst reproduce`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, positive, shared


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst reproduce",
        "STYLE [options]",
        "Trains a finished style again, by the recipe in its checkpoint, and judges the old net "
        "and the new one on photos that neither has seen. Status 1: it came out otherwise.",
        ("fst reproduce monet", "fst reproduce monet --steps 500 --train-photos photos/"),
    )
    add = parser.add_argument
    add("style", metavar="STYLE", help="a finished style, or its checkpoint's file")
    add("--steps", type=positive, metavar="N", help="train for so many (default: the style's)")
    add(
        "--train-photos",
        metavar="DIR",
        help="to train on (default: as the style, in FST_ASSETS/photos)",
    )
    shared(
        parser,
        "--weights",
        help="of VGG-19: auto, caffe, torchvision, slim, or a .safetensors file (default: as the "
        "style was trained)",
    )
    shared(parser, "--photos", help="to judge on (default: FST_ASSETS/photos/eval)")
    shared(parser, "--size")
    add(
        "--output",
        type=Path,
        default=Path("reproduced"),
        metavar="DIR",
        help="for the new checkpoint (default: %(default)s)",
    )
    add("--overwrite", action="store_true", help="replace a checkpoint of something else there")
    add("--runs", type=Path, metavar="DIR", help="for the run (default: in --output)")
    shared(parser, "--device")
    shared(
        parser,
        "--precision",
        help="auto, fp32, bf16, to train and to judge in (default: auto, what is faster; a style "
        "of fp32 is trained in fp32)",
    )
    return parser
