"""fst.system.process: a script that runs another one, and is stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fst.system.process import run_python

CALLER = """
import sys
from fst.system.process import run_python
sys.exit(run_python(sys.argv[1:]))
"""
SLOW_TO_STOP = """
import pathlib, signal, sys, time
def stop(number, frame):
    for asked in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked, signal.SIG_IGN)  # a second one, of the terminal or passed on
    time.sleep(0.6)  # longer than subprocess.run() waits before it kills
    pathlib.Path("saved").write_text(str(number))
    sys.exit(7)
signal.signal(signal.SIGINT, stop)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGHUP, stop)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("ask", "number"),
    [
        (lambda caller: os.killpg(caller.pid, signal.SIGINT), signal.SIGINT),  # as Ctrl-C does
        (lambda caller: caller.send_signal(signal.SIGINT), signal.SIGINT),  # to it alone
        (lambda caller: caller.terminate(), signal.SIGTERM),
        (lambda caller: caller.send_signal(signal.SIGHUP), signal.SIGHUP),
    ],
)
def test_what_is_stopped_may_save(
    ask: Callable[[subprocess.Popen[str]], None], number: int, tmp_path: Path
) -> None:
    script = tmp_path / "slow.py"
    script.write_text(SLOW_TO_STOP)
    command = [sys.executable, "-c", CALLER, str(script)]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == "ready\n"
        ask(caller)
        assert caller.wait(30) == 7
    assert (tmp_path / "saved").read_text() == str(int(number))


def test_the_status_is_passed_on_and_the_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    script = tmp_path / "ends.py"
    script.write_text("import sys; sys.exit(int(sys.argv[1]))")
    assert [run_python([script, status]) for status in ("0", "3")] == [0, 3]
    script.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert run_python([script]) == 128 + signal.SIGKILL
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_what_had_just_done_its_work_ends_the_caller_all_the_same(tmp_path: Path) -> None:
    script = tmp_path / "done.py"
    script.write_text(
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        "os.kill(os.getppid(), signal.SIGTERM)\n"
        "signal.pause()\n"
    )
    with pytest.raises(KeyboardInterrupt) as stop:
        run_python([str(script)])
    assert stop.value.args == (signal.SIGTERM,)
