"""What ``fst distill`` is told."""

from pathlib import Path

from fst.interfaces.arguments.options import Parser, positive, seed, shared

PAINTINGS = ("monet", "starry_night", "poppies_small")
"""The other two shipped ones are held out: the evidence in docs/slim.md is about those."""


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst distill",
        "--output FILE [options]",
        "Teaches the slim loss network to judge as VGG-19 does. Needs VGG-19, photos and "
        "paintings. Stopped, it goes on where it was: see --state.",
        (
            "fst distill --output slim.safetensors",
            "fst distill --output slim.safetensors --photos photos/ --paintings a.jpg b.jpg",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("--output", type=Path, required=True, metavar="FILE", help="the network: a .safetensors")
    add("--overwrite", action="store_true", help="replace a network that is there")
    add("--state", type=Path, default=Path("distill.pt"), metavar="FILE",
        help="what an interrupted run goes on from (default: %(default)s)")
    shared(parser, "--photos", type=None, default="train",
           help="a folder, or a name in FST_ASSETS/photos (default: %(default)s)")
    add("--paintings", nargs="+", default=PAINTINGS, metavar="NAME",
        help="files, or names in FST_ASSETS/styles")
    add("--painted", nargs="*", default=(), metavar="FILE",
        help="checkpoints of nets whose pictures are used too (default: none)")
    shared(parser, "--weights", default="auto",
           help="of the teacher: auto, caffe, torchvision, or a .safetensors file")
    shared(parser, "--precision", help="of the teacher: auto, fp32, bf16")
    add("--feature-steps", type=positive, default=1600, metavar="N", help="that match features")
    add("--gradient-steps", type=positive, default=1000, metavar="N", help="that match gradients")
    add("--seed", type=seed, default=0, metavar="N", help="of all draws")
    # fmt: on
    return parser
