"""Signals that ask a program to stop: ``Ctrl-C``, ``SIGTERM`` and ``SIGHUP``, all taken alike.

The first one raises :class:`KeyboardInterrupt` in the main thread, so that everything is cleaned up
on the way out. A second one, while that takes its time, ends the program at once; then too nothing
half-written stays. What was ignored when the program began, as ``SIGHUP`` is under ``nohup``, is
ignored further.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from fst.system.temporaries import remove_own

STOPPING = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if name in signal.Signals.__members__  # Windows has no SIGHUP
)

TOGETHER = 0.3
"""Seconds in which another signal is the first one once more: ``timeout``, a terminal that closes
and a program that passes signals on all send it twice."""

PATIENCE = 0.2
"""Seconds after which a main thread that has not heard of a signal is taken to wait in C code."""


@dataclass
class _Process:
    """What this process was asked; there is one, as signals are the process's."""

    asked: int | None = None
    when: float = 0.0
    watched: bool = False
    at_once: bool = False
    deferred: str | None = None
    said: str = "stopped"


_process = _Process()


def heeded() -> list[signal.Signals]:
    """Those of :data:`STOPPING` that are not ignored."""
    return [n for n in STOPPING if signal.getsignal(n) not in (signal.SIG_IGN, None)]


def asked() -> int | None:
    """The signal that has asked this process to stop; None where none has."""
    return _process.asked


def note(number: int) -> None:
    """Remembers that the process is asked to stop, for a handler other than the one here."""
    _process.asked, _process.when = number, time.monotonic()


def stop_if_asked() -> None:
    """To be asked between pictures, and where an error is taken for a picture's.

    C code in which the request arrives may lose it, or raise an exception of its own in its place.

    Raises:
        KeyboardInterrupt: this process has been asked to stop.
    """
    if _process.asked is not None:
        raise KeyboardInterrupt(_process.asked)


def is_echo(when: float) -> bool:
    """Whether a signal that comes now belongs to one of that time (:func:`time.monotonic`)."""
    return time.monotonic() - when < TOGETHER


@contextmanager
def stop_signals() -> Iterator[None]:
    """Runs a program's work; asked to stop, it ends with the shell's status: 130, 143 or 129.

    The handlers stay until the process ends, which it does after this: who sends a signal while
    Python cleans up shall not see its traceback.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    if _process.watched:  # by the program that runs this part, or ran one before
        before, _process.at_once = _process.at_once, False
        try:
            yield
        finally:
            _process.at_once = before
        return
    _process.watched = True
    hook = sys.unraisablehook

    def again(problem: "sys.UnraisableHookArgs") -> None:
        # raised where Python can't pass it on (a destructor): once more, a moment later
        if problem.exc_value is not None and isinstance(problem.exc_value, KeyboardInterrupt):
            number, _process.asked = _process.asked or signal.SIGINT, None
            timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
            timer.daemon = True
            timer.start()
        else:
            hook(problem)

    sys.unraisablehook = again
    for number in heeded():
        signal.signal(number, _receive)
    try:
        yield
    except SystemExit:
        if _process.asked is None:
            raise
        raise SystemExit(128 + _process.asked) from None
    except Exception:  # see stop_if_asked
        if _process.asked is None:
            raise
        print("stopped", file=sys.stderr)
        raise SystemExit(128 + _process.asked) from None
    finally:
        _process.at_once = True
        if _process.asked is not None:
            remove_own()


@contextmanager
def leaving_at_once(said: str = "stopped") -> Iterator[None]:
    """While there is nothing to clean up, as when libraries are imported, a signal ends it all.

    Args:
        said: the line that is printed then.
    """
    before = _process.at_once, _process.said
    _process.at_once, _process.said = True, said
    try:
        yield
    finally:
        _process.at_once, _process.said = before


@contextmanager
def leaving_though_busy(said: str, before: Callable[[], object]) -> Iterator[None]:
    """While the main thread may wait in C code, where it hears no signal, one ends the process.

    Python's own handler comes first where it can be called within :data:`PATIENCE` seconds.

    Args:
        said: the line that is printed then.
        before: what is done before that, in another thread.
    """
    if threading.current_thread() is not threading.main_thread() or os.name != "posix":
        yield
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    over = threading.Event()

    def watch() -> None:
        while numbers := os.read(heard, 1):  # none once the other end is closed
            if numbers[0] in STOPPING and not over.wait(PATIENCE) and _process.asked is None:
                _process.said = said
                before()
                leave(numbers[0])

    other = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    watcher = threading.Thread(target=watch, name="fst-signals", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(other)
        os.close(told)
        watcher.join()
        os.close(heard)


@contextmanager
def deferred(said: str) -> Iterator[None]:
    """While work can be stopped at some moments only, the first signal is noted, and no more.

    Who does the work asks (:func:`asked`, :func:`stop_if_asked`). A second signal ends the program
    at once.

    Args:
        said: the line that is printed when a signal comes.
    """
    before, _process.deferred = _process.deferred, said
    try:
        yield
    finally:
        _process.deferred = before


def _receive(number: int, frame: FrameType | None) -> None:
    if _process.asked is None:
        note(number)
        if _process.at_once:
            leave(number)
        if _process.deferred is None:
            raise KeyboardInterrupt(number)
        _say(_process.deferred)
        return
    if not is_echo(_process.when):
        leave(number)


def leave(number: int) -> NoReturn:
    """Ends the process at once, as asked by a signal, without temporary files."""
    remove_own()
    try:
        sys.stdout.flush()
    except Exception:  # nobody reads it, or it was being written to
        pass
    _say(_process.said)
    os._exit(128 + number)


def _say(line: str) -> None:
    """On stderr, whatever is being printed there."""
    try:
        os.write(2, f"{line}\n".encode())
    except OSError:  # the terminal is gone
        pass
