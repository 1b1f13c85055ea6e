"""Work that another thread may cancel: it ends between two strips of a pass, or two iterations.

Nothing is asked of work that nobody may cancel but one look at a context variable.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_canceled: ContextVar[threading.Event | None] = ContextVar("canceled", default=None)


class Canceled(Exception):
    """Nobody waits for the result any more. No mistake of the user's, and no bug."""


@contextmanager
def cancelable(canceled: threading.Event) -> Iterator[None]:
    """What is done within ends by :class:`Canceled` soon after an event is set.

    Args:
        canceled: may be set by any thread.
    """
    before = _canceled.set(canceled)
    try:
        yield
    finally:
        _canceled.reset(before)


def stop_if_canceled() -> None:
    """To be asked where work can end: between strips, between iterations.

    Raises:
        Canceled: the work was canceled.
    """
    canceled = _canceled.get()
    if canceled is not None and canceled.is_set():
        raise Canceled
