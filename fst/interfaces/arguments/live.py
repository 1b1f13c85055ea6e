"""What ``fst live`` is told."""

from pathlib import Path

from fst.choices import BACKENDS, STABLE
from fst.interfaces.arguments.options import Parser, above_zero, shared, side


def parser() -> Parser:
    """The command line."""
    parser = Parser(
        "fst live",
        "[--style NAME] [--camera 0] [options]",
        "Shows what a camera sees, painted, in a window. It always paints the newest frame, and "
        "leaves out those that came meanwhile. In the window, h shows the keys: next style, "
        "strength, snapshot ...",
        (
            "fst live --style monet",
            "fst live --camera 1 --mirror --size 256",
            "fst live --style monet --camera clip.mp4 --no-window --seconds 10",
        ),
    )
    # fmt: off
    add = parser.add_argument
    add("--style", action="append", default=[], metavar="NAME",
        help="a style, checkpoint or painting to begin with; may be given several times. The keys "
        "n and p go through these, and all others that there are")
    add("--camera", default="0", metavar="WHICH",
        help="a camera's number, a video file, or a stream's address (default: 0)")
    add("--size", type=side, metavar="PIXELS",
        help="long side to paint at (default: 384, or less where that is slow)")
    add("--strength", type=float, default=1.0, metavar="0-1", help="0: the photo; 1: painted")
    add("--mirror", action="store_true", help="left and right exchanged, as in a mirror")
    add("--stable", choices=STABLE, default="auto", metavar="HOW",
        help=f"against flicker: {', '.join(STABLE)} (default: auto)")
    add("--snapshots", type=Path, default=Path(), metavar="DIR",
        help="folder of what the key s keeps (default: the current one)")
    add("--no-window", action="store_true", help="paint without showing it, and tell how fast")
    add("--seconds", type=above_zero, metavar="N", help="end after so long (default: never)")
    add("--backend", choices=("auto", *BACKENDS), default="auto", metavar="NAME",
        help=f"auto (default), {', '.join(BACKENDS)}")
    shared(parser, "--device", "--precision", "--checkpoints")
    # fmt: on
    return parser
