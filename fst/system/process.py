"""Commands that run other commands."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType


def run_python(arguments: Sequence[str]) -> int:
    """Runs Python with ``arguments`` and waits for its end, however this one is asked to stop.

    What is asked of this process goes for the other: Ctrl-C reaches both by itself, SIGTERM is
    passed on. The other has all the time that it takes to save its work.

    Returns:
        Its exit status; as a shell has it, 128 and the number where a signal ended it.
    """
    with subprocess.Popen([sys.executable, *arguments]) as child:

        def pass_on(number: int, _: FrameType | None) -> None:
            child.send_signal(number)

        # a handler, not SIG_IGN, which a process hands down to the ones that it starts
        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
            signal.SIGTERM: signal.signal(signal.SIGTERM, pass_on),
        }
        try:
            status = child.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return status if status >= 0 else 128 - status
