"""Commands that run other commands."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from fst.system.signals import heeded, note


def run_python(arguments: Sequence[str]) -> int:
    """Runs Python with ``arguments`` and waits for its end, however this one is asked to stop.

    What is asked of this process goes for the other, and is passed on; ``Ctrl-C`` reaches both by
    itself, too, which counts once. The other has all the time that it takes to save its work.

    Returns:
        Its exit status; as a shell has it, 128 and the number where a signal ended it.

    Raises:
        KeyboardInterrupt: this process was asked to stop, and the other had just done all its work.
    """
    asked: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, _: FrameType | None) -> None:
        asked.append(number)
        note(number)
        if child is not None:
            child.send_signal(number)

    # handlers, not SIG_IGN, which a process hands down to the ones that it starts; and before the
    # other is there, so that none is left behind
    before = {number: signal.signal(number, pass_on) for number in heeded()}
    try:
        child = subprocess.Popen([sys.executable, *arguments])
        for number in list(asked):  # it came while the other was being started
            child.send_signal(number)
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked and status == 0:
        raise KeyboardInterrupt(asked[0])
    return status if status >= 0 else 128 - status
