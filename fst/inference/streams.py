"""What ``-`` stands for: a picture from stdin, a result to stdout."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fst.errors import InputError


@dataclass(frozen=True)
class Streams:
    """The streams that a command uses.

    Attributes:
        stdin: a picture is read from it.
        stdout: the result goes there.
        suffix: of the result's format.
    """

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    suffix: str = ".png"


def is_stdout(inputs: Sequence[str | Path], output: str | Path | None) -> bool:
    """Whether the result goes to stdout: as it is asked for, or as the photo comes from stdin."""
    return output == "-" or (output is None and list(inputs) == ["-"])


def open_streams(
    inputs: Sequence[str], output: str | None = None, kind: str | None = None
) -> Streams:
    """The streams of a command.

    Args:
        inputs: photos as they were typed.
        output: the result as it was typed.
        kind: the suffix of what goes to stdout, without the dot; None is ``"png"``.

    Raises:
        InputError: a stream is a terminal, or closed; a kind where nothing goes to stdout.
    """
    to_stdout = is_stdout(inputs, output)
    if kind is not None and not to_stdout:
        raise InputError("--format is for --output -: of a file, the suffix tells the format")
    if "-" in inputs and (sys.stdin is None or sys.stdin.isatty()):
        raise InputError("stdin holds no picture: pipe one into it, fst stylize - < photo.jpg")
    if to_stdout and sys.stdout is None:
        raise InputError("stdout is closed: name a file, --output picture.png")
    if to_stdout and sys.stdout.isatty():
        raise InputError("a picture is not for a terminal: > picture.png, or --output picture.png")
    return Streams(
        sys.stdin.buffer if "-" in inputs else None,
        sys.stdout.buffer if to_stdout else None,
        f".{kind or 'png'}",
    )
