"""What the kinds of ``fst benchmark`` that paint pictures are told."""

import argparse
from pathlib import Path

from fst.choices import STABLE
from fst.interfaces.arguments.options import above_zero, count, positive, shared, side


def any_options(parser: argparse.ArgumentParser) -> None:
    """What ``fst benchmark any`` is told."""
    _paintings(parser)
    add = parser.add_argument
    _positions(parser, (6.0, 12.0, 24.0, 40.0), (384,))
    add(
        "--judged-weights",
        type=above_zero,
        nargs="+",
        default=(10.0, 30.0, 100.0),
        metavar="W",
        help="both are judged as content + W * style",
    )
    add(
        "--painting-size",
        type=side,
        default=384,
        metavar="PIXELS",
        help="long side of the painting that judges",
    )
    add("--rounds", type=positive, default=5, metavar="N", help="of timing, interleaved")
    parser.set_defaults(compile=False, steps=None)


def sliders_options(parser: argparse.ArgumentParser) -> None:
    """What ``fst benchmark sliders`` is told."""
    _paintings(parser)
    _positions(parser, (2.0, 4.0, 6.0, 12.0, 24.0, 40.0), (256, 384, 512, 768))
    _usual(parser)


def ladder_options(parser: argparse.ArgumentParser) -> None:
    """What ``fst benchmark ladder`` is told."""
    add = parser.add_argument
    shared(parser, "--painting", type=Path, required=True, help="that all levels paint like")
    add(
        "--nets",
        nargs="*",
        default=(),
        metavar="NAME",
        help="trained on it, the best one last (default: none)",
    )
    shared(parser, "--iterations", type=count, default=200, help="of the optimization; 0: none")
    _usual(parser)
    shared(parser, "--photos", default="eval")
    shared(parser, "--limit", default=4, help="only so many photos")
    shared(parser, "--size")
    _judge(parser)


def video_options(parser: argparse.ArgumentParser) -> None:
    """What ``fst benchmark video`` is told."""
    add = parser.add_argument
    add(
        "--clips",
        type=Path,
        nargs="+",
        default=(),
        metavar="PATH",
        help="clips, or folders of them",
    )
    shared(
        parser,
        "--photos",
        nargs="+",
        default=(),
        help="also windows that pan, zoom and turn over photos (default: none)",
    )
    add("--styles", nargs="+", default=("monet",), metavar="NAME", help="painted in one pass")
    add(
        "--stable",
        choices=STABLE,
        nargs="+",
        default=("off", "norms", "flow"),
        metavar="WAY",
        help=f"{', '.join(STABLE)}; any of them",
    )
    shared(parser, "--limit", help="only so many clips and photos (default: all)")
    add("--frames", type=frames, default=12, metavar="N", help="of a clip")
    add("--skip", type=count, default=0, metavar="N", help="frames to pass over before them")
    shared(parser, "--size", default=320, help="long side of the frames")
    shared(parser, "--checkpoints", "--device", "--precision")
    shared(
        parser,
        "--weights",
        default="auto",
        help="of the loss network that judges (default: VGG-19's if they are here, else slim)",
    )
    shared(parser, "--json", "--overwrite")


def frames(text: str) -> int:
    """Frames of a clip that is measured."""
    number = positive(text)
    if not 4 <= number <= 1_000:
        raise argparse.ArgumentTypeError(f"{text} is not from 4 to 1000 frames")
    return number


def _paintings(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--paintings",
        type=Path,
        nargs="+",
        required=True,
        metavar="PATH",
        help="paintings, or folders of them",
    )
    add("--unseen", action="store_true", help="only those that the net's training held back")
    shared(parser, "--photos", default="eval")
    shared(parser, "--limit")
    shared(parser, "--size", default=384, help="side of the photos' middle squares")
    _judge(parser)


def _judge(parser: argparse.ArgumentParser) -> None:
    shared(parser, "--checkpoints", "--device", "--precision")
    shared(
        parser,
        "--weights",
        default="auto",
        help="of the loss network that judges (default: VGG-19's if they are here, else slim)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="also write figures.json and the contact sheet sheet.jpg (default: none)",
    )
    shared(parser, "--overwrite")
    parser.set_defaults(json=None)


def _positions(
    parser: argparse.ArgumentParser, weights: tuple[float, ...], sizes: tuple[int, ...]
) -> None:
    add = parser.add_argument
    add("--style-weights", type=above_zero, nargs="+", default=weights, metavar="W",
        help="that the net is asked for")  # fmt: skip
    add("--stroke-sizes", type=side, nargs="+", default=sizes, metavar="PIXELS",
        help="that the net is asked for")  # fmt: skip


def _usual(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--style-weight", type=above_zero, default=6.0, metavar="W", help="of the net's style")
    add("--stroke-size", type=side, default=512, metavar="PIXELS",
        help="of the net, and of the painting that judges")  # fmt: skip
