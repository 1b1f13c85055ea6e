"""What ``fst video`` is told."""

import argparse
import re
from fractions import Fraction
from typing import NoReturn

from fst.choices import STABLE
from fst.interfaces.arguments.options import Parser, above_zero, count, memory, shared
from fst.interfaces.arguments.painting import (
    control_options,
    help_all,
    rare_options,
    size_options,
    style_options,
)


class _Words(Parser):
    """Tells what photos can be told and clips can't."""

    def error(self, message: str) -> NoReturn:
        """As of :class:`Parser`."""
        typed = message.removeprefix("unrecognized arguments: ")
        if typed != message and (found := re.search(rf"(?<!\S)({_OF_PHOTOS})(?=[\s=]|$)", typed)):
            message = (
                f"clips are painted in one pass: leave {found[0]} out, fst stylize optimizes photos"
            )
            self.exit(2, f"error: {message}\n")
        super().error(message)


_OF_PHOTOS = (
    "--method|--refine|--preset|--iterations|--optimizer|--init|--content-weight|--tv-weight|"
    "--save-every"
)
"""Options of ``fst stylize`` that are of the optimization."""


def moment(text: str) -> Fraction:
    """A time in a clip: seconds, or ``MM:SS``, ``HH:MM:SS``; exact."""
    found = re.fullmatch(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,9})?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text[:60]!r} is not a time as 5, 2.5, 1:30 or 1:02:30")
    hours, minutes, seconds = (Fraction(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


def length(text: str) -> Fraction:
    """As :func:`moment`, above 0."""
    if (found := moment(text)) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: give one above 0")
    return found


def rate(text: str) -> Fraction:
    """Frames a second: ``25``, ``29.97``, ``30000/1001``; exact."""
    if re.fullmatch(r"\d{1,7}/\d{1,7}", text):
        above, below = map(int, text.split("/"))
        found = Fraction(above, below) if below else Fraction(0)
    else:
        found = Fraction(str(above_zero(text)))
    if not Fraction(1, 1000) <= found <= 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a rate from 0.001 to 1000 a second")
    return found


def parser(everything: bool = False) -> Parser:
    """The command line.

    Args:
        everything: the help has the rarer options, too. All are understood either way.
    """
    parser = _Words(
        "fst video",
        "CLIP [CLIP ...] --style NAME [options]",
        "Paints clips in a style or in that of any painting, steadily, and keeps their sound. "
        "Stopped, the same command goes on. Animated pictures and folders of numbered frames are "
        "clips, too.",
        (
            "fst video clip.mp4 --style monet --seconds 5",
            "fst video clip.mp4 --style monet --output painted.mp4",
            "fst video clips/ --style great_wave --output painted/ --size 960",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("clips", nargs="+", metavar="CLIP", help="clips, folders of clips or of numbered frames")
    add("--help-all", action=help_all(_long_page), nargs=0,
        help="also options that are rarely needed")
    style_options(parser)
    add("--output", metavar="PATH",
        help="a file for one clip, a folder for several (default: beside the clip)")
    add("--overwrite", action="store_true", help="replace what is there")
    add("--seconds", type=length, metavar="TIME", help="paint only so much, to try it: 5, 1:30")
    add("--start", type=moment, default=Fraction(0), metavar="TIME",
        help="begin there: 90, 1:30 (default: 0)")
    size_options(parser, "clip")
    add("--stable", choices=STABLE, default="auto", metavar="HOW",
        help=f"against flicker: {', '.join(STABLE)} (default: auto)")
    add("--crf", type=count, metavar="N",
        help="quality, less is better (default: the codec's)")
    add("--codec", metavar="NAME", help="h264, hevc, vp9, av1 ... (default: the suffix's)")
    shared(parser, "--device", "--precision")
    add("--no-record", action="store_true", help="results don't say how they were painted")
    control_options(parser, "clip", "a picture, white where the style is painted")
    # fmt: on
    _rare(parser, everything)
    # what a photo can be told besides
    parser.set_defaults(method="feedforward", refine=0, seamless=False)
    return parser


def _long_page() -> Parser:
    return parser(everything=True)


def _rare(parser: Parser, shown: bool) -> None:
    """Options that the short help page leaves out."""

    def say(text: str) -> str:
        return text if shown else argparse.SUPPRESS

    # fmt: off
    rare = parser.add_argument_group("rarely needed")
    shared(rare, "--checkpoints", help=say("folder of trained styles (default: see fst styles)"))
    add = rare.add_argument
    add("--rate", type=rate, metavar="N",
        help=say("frames a second of numbered frames (default: 25)"))
    add("--memory", type=memory, metavar="2GB",
        help=say("what a pass may take besides the frame (default: about 700MB on a CPU)"))
    rare_options(rare, "frames", "a frame's", say)
    # fmt: on
