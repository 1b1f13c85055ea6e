"""The options of the optimization of pixels, for ``fst stylize``."""

from collections.abc import Callable
from pathlib import Path

from fst.choices import INITS, NETWORKS, PADDINGS, RECOLORS, STATISTICS
from fst.interfaces.arguments.options import Parser, layers, positive, shared
from fst.optimization.optimizers import OPTIMIZERS
from fst.optimization.presets import PRESETS


def optimizing_options(parser: Parser, say: Callable[[str], str]) -> None:
    """Those that only the optimization knows, in a group of their own.

    Args:
        parser: gets them.
        say: makes the help that is shown of a text.
    """
    # fmt: off
    group = parser.add_argument_group("optimizing the pixels")
    add = group.add_argument
    add("--preset", choices=PRESETS, metavar="NAME",
        help=say(f"settings of the literature: {', '.join(PRESETS)}"))
    shared(group, "--iterations", help=say("default: 500; preset course: 2500, pyramid: 1500"))
    add("--optimizer", choices=OPTIMIZERS, metavar="NAME", help=say(", ".join(OPTIMIZERS)))
    add("--learning-rate", type=float, metavar="RATE",
        help=say("default: lbfgs 1, adam 0.02, sgd 5e-7"))
    add("--average", type=float, metavar="DECAY",
        help=say("the result is an average of the iterates: 0.99"))
    add("--tolerance", type=float, metavar="SHARE",
        help=say("stop when 20 iterations lower the objective by less: 1e-4"))
    add("--init", metavar="PICTURE",
        help=say(f"what to start from: {', '.join(INITS)}, or a file (default: the photo)"))
    add("--init-noise", type=float, metavar="0-1", help=say("share of noise mixed into the start"))
    shared(group, "--seed", help=say("of the noise"))
    add("--content-weight", type=float, metavar="WEIGHT", help=say("of the photo"))
    add("--tv-weight", type=float, metavar="WEIGHT", help=say("of smoothness"))
    add("--loss-network", choices=NETWORKS, metavar="NAME",
        help=say(f"what judges: {', '.join(NETWORKS)} (default: vgg19)"))
    add("--content-layers", type=layers, metavar="LAYERS",
        help=say("with a weight each, as relu3_1=1,relu4_2=2 (default: relu4_2)"))
    add("--style-layers", type=layers, metavar="LAYERS",
        help=say("likewise (default: relu1_1, relu2_1 ... relu5_1)"))
    add("--padding", choices=PADDINGS, metavar="KIND",
        help=say(f"of the loss network: {', '.join(PADDINGS)} (default: zeros)"))
    add("--labels", type=Path, metavar="PICTURE",
        help=say("the photo's regions, each in a color (default: one region)"))
    add("--style-labels", type=Path, action="append", metavar="PICTURE",
        help=say("of each --style: what its regions are (default: none)"))
    add("--luminance", action="store_true", default=None,
        help=say("paint brightness alone, in the photo's colors"))
    add("--recolor", choices=RECOLORS, metavar="HOW",
        help=say(f"the painting in the photo's colors: {', '.join(RECOLORS)} (default: its own)"))
    add("--pooling", choices=("max", "avg"), metavar="KIND", help=say("of VGG-19: max, avg"))
    shared(group, "--weights", help=say("of VGG-19: auto, caffe, torchvision, slim, or a file"))
    _statistic(add, say)
    add("--save-every", type=positive, metavar="N",
        help=say("also write every Nth iterate, into RESULT.iterates/"))
    add("--animate", type=Path, metavar="FILE",
        help=say("the iterates as a clip: .mp4, .gif, .webp ... (default: none)"))
    add("--animate-every", type=positive, metavar="N",
        help=say("iterations between two of its frames (default: ten seconds in all)"))
    add("--plot", type=Path, metavar="FILE.png", help=say("the losses as curves (default: none)"))
    add("--log", type=Path, metavar="FILE.csv",
        help=say("the losses of every iteration, layer by layer (default: none)"))
    add("--resume", action="store_true", default=None,
        help=say("go on where this command was stopped, and keep what that needs"))
    # fmt: on


def _statistic(add: Callable[..., object], say: Callable[[str], str]) -> None:
    """What is compared at a layer."""
    # fmt: off
    add("--statistic", choices=STATISTICS, metavar="NAME",
        help=say(f"what style is compared by: {', '.join(STATISTICS)} (default: gram)"))
    add("--patch-size", type=positive, metavar="N",
        help=say("of patches, in positions of a layer (default: 3)"))
    add("--patch-stride", type=positive, metavar="N",
        help=say("from one patch to the next (default: 2)"))
    # fmt: on
