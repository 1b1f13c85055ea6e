"""Converters that talk, and fail, in their own words: here a user is told in one line."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator
from importlib.metadata import version

import torch

from fst.errors import FstError, InputError


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without warnings, log lines and progress bars, those of libraries in C++ too.

    These write to the process's own outputs, so that other threads are as quiet meanwhile.
    """
    disabled = logging.root.manager.disable
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        nowhere = stack.enter_context(open(os.devnull, "wb"))
        for number in (1, 2):
            with contextlib.suppress(OSError):  # it may be closed
                kept = os.dup(number)
                stack.callback(os.close, kept)
                stack.callback(os.dup2, kept, number)
                os.dup2(nowhere.fileno(), number)
        stack.callback(logging.disable, disabled)
        logging.disable(logging.ERROR)
        yield


PROVED = "2.15.0"
"""The torch with which the converters for phones were last proved here."""


@contextlib.contextmanager
def converting(package: str, proved: str) -> Iterator[None]:
    """Quiet; a converter that fails is told in a line, with its version and torch's.

    Args:
        package: that converts, as pip calls it.
        proved: its version that was last proved here.

    Raises:
        InputError: it fails.
    """
    try:
        with quiet():
            yield
    except (FstError, OSError, MemoryError):
        raise
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{package} {version(package)} can't convert the net with torch {torch.__version__}: "
            f"{said[:200]}; {package} {proved} was proved with torch {PROVED}"
        ) from error
