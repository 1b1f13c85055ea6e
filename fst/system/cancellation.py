"""Work that another thread may cancel: it ends between two strips of a pass, or two iterations.

There it may also do something else in between. Work that nobody watches is asked no more than one
look at a context variable.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_check: ContextVar[Callable[[], None] | None] = ContextVar("check", default=None)


class Canceled(Exception):
    """Nobody waits for the result any more. No mistake of the user's, and no bug."""


@contextmanager
def cancelable(
    canceled: threading.Event, between: Callable[[], None] | None = None
) -> Iterator[None]:
    """What is done within ends by :class:`Canceled` soon after an event is set.

    Args:
        canceled: may be set by any thread.
        between: called wherever the work could end, and does not.
    """

    def check() -> None:
        if canceled.is_set():
            raise Canceled
        if between is not None:
            between()

    before = _check.set(check)
    try:
        yield
    finally:
        _check.reset(before)


def stop_if_canceled() -> None:
    """To be asked where work can end: between strips, between iterations.

    Raises:
        Canceled: the work was canceled.
    """
    if (check := _check.get()) is not None:
        check()
