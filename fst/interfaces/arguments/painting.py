"""Options of photos and of clips, which mean the same for both."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fst.choices import BACKENDS, FEATHER, MARGIN, MAX_PIXELS, PRESERVE, UPSAMPLE
from fst.interfaces.arguments.options import Parser, positive, shared, strokes


def help_all(long_page: Callable[[], Parser]) -> type[argparse.Action]:
    """What ``--help-all`` does: prints a long help page, and ends."""

    class HelpAll(argparse.Action):
        def __call__(self, *_: Any) -> None:
            page = long_page()
            page.print_help()
            page.exit()

    return HelpAll


def style_options(parser: Parser) -> None:
    """Which style."""
    add = parser.add_argument
    add("--style", action="append", default=[], metavar="NAME",
        help="a style, checkpoint or painting; several: a --mask each")  # fmt: skip
    add("--blend", metavar="A=0.7,B=0.3", help="a style between styles or paintings")


def size_options(parser: Parser, what: str) -> None:
    """At which size it is painted.

    Args:
        parser: gets them.
        what: is painted, ``"photo"`` or ``"clip"``.
    """
    add = parser.add_argument
    add("--size", type=positive, metavar="PIXELS",
        help=f"long side to paint at (default: the {what}'s)")  # fmt: skip
    add("--upsample", choices=UPSAMPLE, metavar="HOW",
        help=f"with --size: back to the {what}'s size: {', '.join(UPSAMPLE)}")  # fmt: skip


def control_options(parser: Parser, what: str, mask: str) -> argparse._ArgumentGroup:
    """What is done with what was painted, in a group of their own.

    Args:
        parser: gets them.
        what: as for :func:`size_options`.
        mask: the help of ``--mask``.
    """
    group = parser.add_argument_group("control")
    add = group.add_argument
    # fmt: off
    add("--strength", type=float, default=1.0, metavar="0-1", help=f"0: the {what}; 1: painted")
    add("--preserve-color", choices=PRESERVE, metavar="HOW",
        help=f"keep the {what}'s colors: {', '.join(PRESERVE)}")
    add("--mask", type=Path, action="append", default=[], metavar="FILE", help=mask)
    add("--stroke-size", dest="style_size", type=strokes, metavar="SIZE",
        help="small, medium, large, or pixels (default: as learned)")
    add("--style-weight", type=float, metavar="WEIGHT", help="of a painting (default: 12)")
    # fmt: on
    return group


def rare_options(
    group: argparse._ArgumentGroup, what: str, border: str, say: Callable[[str], str]
) -> None:
    """Those of a pass that few need.

    Args:
        group: gets them.
        what: is painted, ``"photos"`` or ``"frames"``.
        border: whose border a pass goes on beyond, ``"the photo's"``.
        say: makes the help that is shown of a text.
    """
    add = group.add_argument
    # fmt: off
    shared(group, "--margin",
           help=say(f"a pass goes on so far beyond {border} border (default: what "
                    f"the style needs, mostly {MARGIN})"))
    add("--backend", choices=("auto", *BACKENDS), default="auto", metavar="NAME",
        help=say(f"auto (default), {', '.join(BACKENDS)}"))
    add("--feather", type=float, metavar="SHARE",
        help=say(f"of masks, of the long side (default: {FEATHER})"))
    add("--max-pixels", type=positive, default=MAX_PIXELS, metavar="N",
        help=say(f"refuse larger {what} (default: %(default)s)"))
    # fmt: on
