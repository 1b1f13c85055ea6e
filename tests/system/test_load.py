import subprocess
import sys
import time
from pathlib import Path

import pytest

from fst.system import load
from fst.system.load import Others


def stat(folder: Path, *busy: int) -> Path:
    """As /proc/stat of a machine whose cores have computed for so many hundredths of a second."""
    lines = [f"cpu{number} {ticks} 0 0 100 7 0 0 0 0 0" for number, ticks in enumerate(busy)]
    path = folder / "stat"
    path.write_text("\n".join(["cpu  1 1 1 1 1 1 1 1 1 1", *lines, "intr 1 2"]))
    return path


def test_what_others_took_is_what_all_took_without_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 10.0, "mine": 3.0}
    monkeypatch.setattr(load, "STAT", stat(tmp_path, 100, 100, 100))
    monkeypatch.setattr(load.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(load.os, "sysconf", lambda _: 100)
    monkeypatch.setattr(load.time, "monotonic", lambda: clock["now"])
    monkeypatch.setattr(load.time, "process_time", lambda: clock["mine"])
    others = Others()
    clock.update(now=20.0, mine=8.0)
    stat(tmp_path, 1000, 1050, 9000)  # 18.5 s on our two cores, 5 of them ours
    assert others.cores() == pytest.approx(1.35)
    clock.update(mine=300.0)  # rounding never makes it less than nothing
    assert others.cores() == 0.0


def test_where_nothing_is_counted_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "STAT", Path("/nowhere/stat"))
    assert Others().cores() is None


@pytest.mark.skipif(not load.STAT.exists(), reason="only Linux counts")
def test_a_busy_program_is_seen_and_our_own_work_is_not() -> None:
    ours = Others()
    until = time.process_time() + 0.5
    while time.process_time() < until:
        pass
    alone = ours.cores()
    others = Others()
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        time.sleep(1)
    finally:
        busy.kill()
        busy.wait()
    both = others.cores()
    assert alone is not None
    assert both is not None
    assert both > 0.2  # beside whatever else this machine does
