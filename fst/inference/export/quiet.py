"""Converters that talk: what they print, log and warn of is nothing that a user could mend."""

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator


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
