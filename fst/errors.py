"""What a user can mend, as exceptions; and how a script ends on one.

::

    FstError
    ├── InputError(ValueError)           a picture, path, name or number that can't be used
    ├── AssetError(FileNotFoundError)    weights, a painting or photos that can't be had
    ├── CheckpointError(ValueError)      a trained style that can't be read or written
    ├── DivergedError(ArithmeticError)   a loss that is no longer a finite number
    └── DeviceLostError(ConnectionError) another process of a run on several devices has gone

Anything else that escapes is a bug of ours and keeps its traceback.
"""

import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn, TextIO


class FstWarning(UserWarning):
    """Something was done in another way than asked; scripts print it in one line."""


class FstError(Exception):
    """Base of every error that a user can mend; its text is one line."""

    def __str__(self) -> str:
        """The message alone, without the errno decoration of ``OSError``."""
        return str(self.args[0]) if self.args else ""


class InputError(FstError, ValueError):
    """A picture, path, name or number that can't be used."""


class AssetError(FstError, FileNotFoundError):
    """Weights, a painting or photos that can't be had."""


class CheckpointError(FstError, ValueError):
    """A trained style, or a run's checkpoint, that can't be read or written."""


class DivergedError(FstError, ArithmeticError):
    """A loss that is no longer a finite number."""


class DeviceLostError(FstError, ConnectionError):
    """Another process of a run on several devices has gone."""


def _quiet_full_disk(args: threading.ExceptHookArgs) -> None:
    """TensorBoard writes in a thread: a full disk is said by the main thread, and once."""
    if not isinstance(args.exc_value, OSError):
        threading.__excepthook__(args)


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Prints every :class:`FstWarning` in one line, without the place in our code."""
    with warnings.catch_warnings():
        others, said = warnings.showwarning, set()

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, FstWarning):
                if str(message) in said:  # of ten photos alike, one line is enough
                    return
                said.add(str(message))
                print(f"warning: {in_a_line(message)}", file=sys.stderr, flush=True)
            else:
                others(message, category, filename, lineno, file, line)

        warnings.showwarning = show
        warnings.simplefilter("always", FstWarning)
        yield


def in_a_line(text: object) -> str:
    """A text in one line of what can be printed; file names may hold anything.

    Line breaks, other control characters and bytes that are not UTF-8 are escaped.
    """
    unprintable = "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
    return re.sub(unprintable, lambda found: found[0].encode("unicode_escape").decode(), str(text))


def interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """The request to stop that an error comes of, where cleaning up after it went wrong."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _say_stopped(stop: KeyboardInterrupt) -> NoReturn:
    print("stopped", file=sys.stderr)
    sys.exit(128 + (stop.args[0] if stop.args else signal.SIGINT))


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Ends the process with one line and a non-zero status where the user made a mistake.

    Status 1 for an :class:`FstError` or a full disk and the like; for a signal that asks to stop
    the shell's, 130 for ``Ctrl-C``. A :class:`FstWarning` is one line, too.
    """
    threading.excepthook = _quiet_full_disk
    try:
        with _one_line_warnings():
            yield
    except FstError as error:
        print(f"error: {in_a_line(error)}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `fst ... | head`: the reader left, and nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        if (stopped := interruption(error)) is not None:
            _say_stopped(stopped)
        if error.filename is None and error.errno is None:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {in_a_line(f'{error.strerror or error}{where}')}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as stop:
        _say_stopped(stop)
    except Exception as error:
        if (stopped := interruption(error)) is None:
            raise
        _say_stopped(stopped)
