"""What ``fst reptile`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, above_zero, positive, seed, shared, side


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst reptile",
        "--output FILE [options]",
        "Trains a net that trainings begin with, over many paintings: a short training on one "
        "after the other, each of which it follows a part of the way (Reptile). Stopped, it goes "
        "on where it was: see --state.",
        (
            "fst reptile --output base.safetensors",
            "fst reptile --output base.safetensors --photos photos/ --weights auto",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="FILE", help="the net: a .safetensors")
    add("--overwrite", action="store_true", help="replace a net that is there")
    add("--state", type=Path, default=Path("reptile.pt"), metavar="FILE",
        help="what an interrupted run goes on from (default: %(default)s)")
    add("--init", default="base", metavar="STYLE",
        help="what to begin with: a trained style, or its file (default: %(default)s)")
    add("--paintings", default="paintings", metavar="DIR",
        help="a folder, or a name in FST_ASSETS (default: %(default)s)")
    shared(parser, "--photos", type=None, default="train",
           help="a folder, or a name in FST_ASSETS/photos (default: %(default)s)")
    shared(parser, "--weights", default="slim")
    shared(parser, "--device", "--precision")
    add("--rounds", type=positive, default=400, metavar="N",
        help="paintings, one after the other (default: %(default)s)")
    add("--steps", type=positive, default=60, metavar="N",
        help="of the training on each (default: %(default)s)")
    add("--way", type=above_zero, default=0.5, metavar="PART",
        help="towards the first round's result, at most 1; falls to 0 (default: %(default)s)")
    add("--learning-rate", type=above_zero, default=3e-3, metavar="RATE",
        help="in each round at its highest (default: %(default)s)")
    shared(parser, "--size", help="side of the photos' crops (default: %(default)s)")
    add("--style-size", type=side, default=512, metavar="PIXELS",
        help="long side of the paintings (default: %(default)s)")
    add("--seed", type=seed, default=0, metavar="N", help="of all draws")
    # fmt: on
    return parser
