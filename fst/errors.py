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
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class FstWarning(UserWarning):
    """Something was done in another way than asked; scripts print it in one line."""


class FstError(Exception):
    """Base of every error that a user can mend; its text is one line."""

    def __str__(self) -> str:
        """The message alone, without the errno decoration of ``OSError``."""
        text = str(self.args[0]) if self.args else ""
        if text.startswith("Caught "):  # a loader's worker sends its traceback as the message
            text = text.rstrip().splitlines()[-1].partition(": ")[2]
        return text


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
def one_line_errors() -> Iterator[None]:
    """Ends the process with one line and a non-zero status where the user made a mistake.

    Status 1 for an :class:`FstError` or a full disk and the like, 130 for ``Ctrl-C``.
    """
    threading.excepthook = _quiet_full_disk
    try:
        yield
    except FstError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # `fst ... | head`: the reader left, and nobody is there to be told
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        where = f" ({error.filename})" if error.filename else ""
        print(f"error: {error.strerror or error}{where}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
