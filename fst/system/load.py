"""How much of the processor other programs take."""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
"""Where Linux counts what each core did."""


class Others:
    """The cores that other programs take, from the moment this is made.

    Only those cores count that this process may run on.
    """

    def __init__(self) -> None:
        self._began = self._look()

    def cores(self) -> float | None:
        """How many cores they took, in the mean; None where the system does not say.

        One that is taken half of the time counts as half a core.
        """
        now, before = self._look(), self._began
        if now is None or before is None or now[0] <= before[0]:
            return None
        seconds = now[0] - before[0]
        return max(0.0, ((now[1] - before[1]) - (now[2] - before[2])) / seconds)

    @staticmethod
    def _look() -> tuple[float, float, float] | None:
        """The time, and the seconds that all programs, and that this one have computed."""
        try:
            lines = STAT.read_text(encoding="ascii").splitlines()
            mine = os.sched_getaffinity(0)
            tick = os.sysconf("SC_CLK_TCK")
        except (OSError, AttributeError, ValueError):  # no Linux
            return None
        busy = 0
        for line in lines:
            name, *counts = line.split()
            if name[:3] == "cpu" and name[3:].isdigit() and int(name[3:]) in mine:
                user, nice, system, _, _, irq, softirq, *_ = map(int, counts)
                busy += user + nice + system + irq + softirq
        return time.monotonic(), busy / tick, time.process_time()
