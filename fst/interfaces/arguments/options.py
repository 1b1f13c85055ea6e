"""The parser of all commands, the options that several share, and the types of their values."""

import argparse
import difflib
import math
import re
import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from fst.choices import MIN_SIDE, PRECISIONS, STROKES

WIDTH = 80
"""Columns of a help page."""

MAX_SIDE = 100_000
"""Of a picture that is asked for, in pixels: more than any format that is written can hold."""

MAX_COUNT = 2**31 - 1
"""Of what is counted: a number above is a slip of the finger, and some library's overflow."""

MAX_SEED = 2**64 - 1
"""The greatest seed that torch's generators take."""


class _Page(argparse.RawDescriptionHelpFormatter):
    """Help on 80 columns, or fewer where the terminal has fewer; examples keep their lines."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=_columns())

    def _get_help_string(self, action: argparse.Action) -> str | None:
        """With the default behind it, where the text does not name it."""
        said, default = action.help, action.default
        if not said or said == argparse.SUPPRESS or "default" in said or action.nargs == 0:
            return said
        if default in (None, "", [], (), argparse.SUPPRESS):
            return said
        shown = " ".join(map(str, default)) if isinstance(default, list | tuple) else default
        return f"{said} (default: {shown})"


def _columns() -> int:
    return max(40, min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns))


class Parser(argparse.ArgumentParser):
    """The command line of one command; a mistake is one line and status 2.

    Args:
        prog: the command as it is typed, ``"fst stylize"``.
        words: what follows it in the usage line.
        about: what the command does, in a sentence or three.
        examples: whole commands.
        others: of :class:`argparse.ArgumentParser`.
    """

    def __init__(
        self, prog: str, words: str, about: str, examples: Sequence[str] = (), **others: Any
    ) -> None:
        lines = "\n".join(f"  {example}" for example in examples)
        super().__init__(
            prog=prog,
            usage=f"{prog} {words}".rstrip(),
            description=textwrap.fill(about, _columns()),
            epilog=f"examples:\n{lines}" if examples else None,
            formatter_class=_Page,
            allow_abbrev=False,
            **others,
        )
        # what argparse does to a value of no type, and of this one
        self.register("type", None, text)
        self.register("type", Path, path)

    def error(self, message: str) -> NoReturn:
        """Ends the process with one line and status 2; tells what may have been meant."""
        typed = message.removeprefix("unrecognized arguments: ").partition(" ")[0].partition("=")[0]
        if typed != message and (
            near := difflib.get_close_matches(typed, list(self._option_string_actions), n=1)
        ):
            message += f": did you mean {near[0]}?"
        page = "--help-all" if "--help-all" in self._option_string_actions else "--help"
        self.exit(2, f"error: {message} ({self.prog} {page} lists what there is)\n")


# --- types ---------------------------------------------------------------------------------------


def text(given: str) -> str:
    """A text that is not empty, and that a file can be called."""
    if not given.strip() or "\0" in given:
        raise argparse.ArgumentTypeError(f"{given!r} is empty: give a name or a value")
    return given


def path(given: str) -> Path:
    """A path; an empty one would be the current folder."""
    return Path(text(given))


def positive(text: str) -> int:
    """A whole number above 0."""
    return _whole(text, 1, "above 0")


def strokes(text: str) -> int | str:
    """A size of strokes: a word, or pixels."""
    if text in STROKES:
        return text
    return _whole(text, 16, f"of at least 16, or one of {', '.join(STROKES)}")


def layers(text: str) -> dict[str, float]:
    """Layers of a loss network with a weight each; a bare name counts 1."""
    from fst.errors import InputError
    from fst.loss_networks.architectures import parse_layers

    try:
        return parse_layers("it", text)  # of which network they have to be is not known yet
    except InputError as error:
        said = re.sub(r"^it\.", "the weight of ", str(error))
        raise argparse.ArgumentTypeError(said) from error


def count(text: str) -> int:
    """A whole number, 0 or more."""
    return _whole(text, 0, "of at least 0")


def seed(text: str) -> int:
    """A whole number that torch's generators take."""
    return _whole(text, 0, f"from 0 to {MAX_SEED}", MAX_SEED)


def side(text: str) -> int:
    """A picture's side in pixels."""
    return _whole(text, MIN_SIDE, f"of at least {MIN_SIDE} pixels", MAX_SIDE)


def percent(text: str) -> int:
    """A whole number from 1 to 100."""
    return _whole(text, 1, "from 1 to 100", 100)


def above_zero(text: str) -> float:
    """A finite number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def memory(text: str) -> int:
    """Bytes: ``2GB``, ``500MB``, ``1.5GiB``."""
    from fst.errors import InputError
    from fst.system.memory import parse_memory  # imports torch: only where it is asked for

    try:
        return parse_memory(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _whole(text: str, least: int, what: str, most: int = MAX_COUNT) -> int:
    try:
        number = int(text)
    except ValueError:  # letters, or thousands of digits
        number = least - 1
    if not least <= number <= most:
        limit = f" and at most {most}" if number > most and "from" not in what else ""
        raise argparse.ArgumentTypeError(f"{_short(text)} is not a whole number {what}{limit}")
    return number


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


# --- options that several commands have -----------------------------------------------------------

SHARED: dict[str, dict[str, Any]] = {
    "--device": {"default": "auto", "metavar": "NAME", "help": "auto, cpu, cuda, cuda:1, mps"},
    "--precision": {
        "default": "auto",
        "choices": PRECISIONS,
        "metavar": "KIND",
        "help": "auto, fp32, bf16 (default: auto, what is faster)",
    },
    "--checkpoints": {
        "type": Path,
        "metavar": "DIR",
        "help": "folder of trained styles (default: see fst styles)",
    },
    "--weights": {
        "metavar": "NAME",
        "help": "of VGG-19: auto, caffe, torchvision, slim, or a .safetensors file",
    },
    "--painting": {
        "metavar": "FILE",
        "help": "the painting (default: found by the checkpoint's name of it)",
    },
    "--photos": {
        "type": Path,
        "metavar": "DIR",
        "help": "a folder, or a name in FST_ASSETS/photos (default: eval)",
    },
    "--limit": {"type": positive, "metavar": "N", "help": "only so many photos (default: all)"},
    "--size": {
        "type": side,
        "default": 256,
        "metavar": "PIXELS",
        "help": "long side of the photos (default: %(default)s)",
    },
    "--iterations": {"type": positive, "metavar": "N", "help": "of the optimization"},
    "--margin": {
        "type": count,
        "metavar": "PIXELS",
        "help": "a pass goes on so far beyond the photo's border: 0, 4, 8 ... 256 "
        "(default: %(default)s)",
    },
    "--seed": {"type": seed, "metavar": "N", "help": "of the noise"},
    "--json": {
        "type": Path,
        "metavar": "FILE",
        "help": "also write the figures into this file (default: none)",
    },
    "--overwrite": {"action": "store_true", "help": "replace a file that is there"},
}
"""Name -> what is said of it everywhere; a command changes what differs."""


def shared(parser: argparse._ActionsContainer, *names: str, **changes: Any) -> None:
    """Adds options of :data:`SHARED` to a parser or a group of it.

    Args:
        parser: a parser, or a group of it.
        names: of the options, ``"--device"`` ...
        changes: what differs for this command: ``default``, ``required``, ``help`` ...
    """
    for name in names:
        parser.add_argument(name, **{**SHARED[name], **changes})
