"""The standard streams, whatever a program was started with: no work is lost for want of a reader.

What can't be shown in a terminal's encoding, or is no text (file names of other systems), is
printed escaped. Where a stream is closed, what goes there is dropped. Where writing to it fails
(the reader has left, the disk is full), the work is done nevertheless, and the program's end tells.
"""

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


class SteadyOutput(io.RawIOBase):
    """A file descriptor that takes everything; ``error`` is the first that it ran into."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.descriptor = descriptor
        self.error: OSError | None = None

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """The descriptor, for those who ask for the terminal's size."""
        return self.descriptor

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self.descriptor)

    def write(self, content: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        """All of it; after an error nothing more is written."""
        rest = memoryview(content).cast("B")
        while len(rest) and self.error is None:
            try:
                rest = rest[os.write(self.descriptor, rest) :]
            except BlockingIOError:
                select.select([], [self.descriptor], [])  # a pipe that was set not to wait
            except OSError as error:
                self.error = error
        return len(content)


@contextmanager
def steady_streams() -> Iterator[None]:
    """Runs a program's work with standard streams that can be written to, come what may.

    At the end a status of 1 tells of output that was lost, and a line says why; of a reader that
    has left (``| head``) nothing is said.
    """
    reopen()
    outputs = [steady(name) for name in ("stdout", "stderr")]
    try:
        yield
    except SystemExit as end:
        if _lost(outputs[0]) and end.code in (None, 0):
            raise SystemExit(1) from None
        raise
    if _lost(outputs[0]):
        raise SystemExit(1)


def reopen() -> None:
    """Opens what is closed of 0, 1 and 2, before a picture's file gets such a number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != descriptor:
                os.dup2(opened, descriptor)
                os.close(opened)


def steady(name: str) -> SteadyOutput | None:
    """Puts a :class:`SteadyOutput` under ``sys.stdout`` or ``sys.stderr``; once.

    None where somebody else has put a stream of their own there.
    """
    stream: TextIO | None = getattr(sys, name)
    descriptor = 1 if name == "stdout" else 2
    if isinstance(stream, io.TextIOWrapper):
        raw = getattr(stream.buffer, "raw", None)
        if isinstance(raw, SteadyOutput):
            return raw
        if stream is not getattr(sys, f"__{name}__") or stream.fileno() != descriptor:
            return None
        stream.flush()
    elif stream is not None:
        return None
    raw = SteadyOutput(descriptor)
    text = io.TextIOWrapper(
        io.BufferedWriter(raw),  # type: ignore[type-var]
        encoding=stream.encoding if stream is not None else "utf-8",
        errors="backslashreplace",
        line_buffering=name == "stderr" or raw.isatty() or bool(os.environ.get("PYTHONUNBUFFERED")),
    )
    setattr(sys, name, text)
    setattr(sys, f"__{name}__", text)
    return raw


def _lost(output: SteadyOutput | None) -> bool:
    """Whether some of the output is lost; says why."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):  # a stream of somebody else's
        pass
    if output is None or output.error is None:
        return False
    if output.error.errno != errno.EPIPE:
        print(f"error: the output can't be written: {output.error.strerror}", file=sys.stderr)
    return True
