"""Files that one process holds while it lives: who comes second is told so."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from fst.errors import InputError

_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What some network file systems say when they are asked for a lock."""


@contextmanager
def held(path: Path, busy: str, unlocked: str = "") -> Iterator[None]:
    """Keeps a lock's file for this process; the system lets go of it at the latest when that ends.

    Args:
        path: of the file, in a folder that is there.
        busy: what to say where another process has it.
        unlocked: printed where the file system has no locks, and the block is run without; empty
            says nothing.

    Raises:
        InputError: another process has it.
        OSError: the file can't be made.
    """
    lock = FileLock(path, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(busy) from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        if unlocked:
            print(unlocked)
    try:
        yield
    finally:
        lock.release()
