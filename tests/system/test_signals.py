"""fst.system.signals: every signal that asks to stop ends a program as Ctrl-C does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import ROOT

from fst.system import signals
from fst.system.signals import STOPPING, TOGETHER

PROGRAM = """
import sys, threading, time
from pathlib import Path
from fst.errors import one_line_errors
from fst.system.files import atomic_file
from fst.system.signals import leaving_at_once, stop_signals

def work():
    with atomic_file(Path("result")) as temporary:
        temporary.write_text("half")
        print("ready", flush=True)
        {sleep}
        temporary.write_text("whole")

with stop_signals(), one_line_errors():
    {call}
    sys.exit(0)
"""


def program(
    folder: Path, sleep: str = "time.sleep(30)", call: str = "work()", prefix: str = ""
) -> "subprocess.Popen[str]":
    """A program that writes a file, once it is in the middle of it."""
    code = prefix + PROGRAM.format(sleep=sleep, call=call)
    process = subprocess.Popen(
        [sys.executable, "-c", code], cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_ends_in_a_line_with_the_shells_status_and_leaves_nothing(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = program(tmp_path)
    process.send_signal(number)
    assert process.communicate(timeout=30) == ("", "stopped\n")
    assert process.returncode == 128 + number
    assert not list(tmp_path.iterdir())


CLEANS_UP = """try:
        work()
    finally:
        print("cleaning", flush=True)
        time.sleep({seconds})"""


@pytest.mark.parametrize("second", STOPPING)
def test_a_second_signal_ends_at_once_and_leaves_nothing(second: int, tmp_path: Path) -> None:
    process = program(tmp_path, call=CLEANS_UP.format(seconds=30))
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "cleaning\n"
    time.sleep(1.2 * TOGETHER)
    process.send_signal(second)
    assert process.communicate(timeout=10) == ("", "stopped\n")
    assert process.returncode == 128 + second
    assert not list(tmp_path.iterdir())


def test_a_signal_that_is_sent_twice_is_one(tmp_path: Path) -> None:
    process = program(tmp_path, call=CLEANS_UP.format(seconds=0.5))
    process.send_signal(signal.SIGHUP)
    assert process.stdout is not None
    assert process.stdout.readline() == "cleaning\n"
    for _ in range(3):
        process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=10) == ("", "stopped\n")
    assert process.returncode == 128 + signal.SIGHUP


def test_what_nohup_ignores_is_ignored_further(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    process = program(tmp_path, "time.sleep(0.5)", prefix=ignoring)
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=30) == ("", "")
    assert process.returncode == 0
    assert (tmp_path / "result").read_text() == "whole"


BETWEEN = """with deferred("stopping soon"):
        print("inside", flush=True)
        for part in range(1000):
            time.sleep(0.05)
            if asked() is not None:
                print("kept", flush=True)
                raise KeyboardInterrupt(asked())"""


@pytest.mark.parametrize("asks", [True, False])
def test_work_that_stops_at_some_moments_only(tmp_path: Path, asks: bool) -> None:
    sleep = BETWEEN.replace("\n", "\n    ")
    if not asks:
        sleep = sleep.replace("is not None", "== 0")  # it goes on, until a second signal comes
    prefix = "from fst.system.signals import asked, deferred"
    process = program(tmp_path, sleep=sleep, prefix=prefix)
    assert process.stdout is not None
    assert process.stdout.readline() == "inside\n"
    process.send_signal(signal.SIGTERM)
    if not asks:
        time.sleep(1.2 * TOGETHER)
        process.send_signal(signal.SIGTERM)
    said = ("kept\n" if asks else "", "stopping soon\nstopped\n")
    assert process.communicate(timeout=30) == said
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


def test_where_there_is_nothing_to_clean_up_it_does_not_wait(tmp_path: Path) -> None:
    # as libraries do while they are imported
    swallowing = """try:
            time.sleep(30)
        except BaseException:
            time.sleep(30)"""
    importing = """with leaving_at_once("stopped early"):
        work()"""
    process = program(tmp_path, swallowing, importing)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10) == ("", "stopped early\n")
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="sees through /proc that it waits")
def test_a_main_thread_that_waits_in_c_code_does_not_keep_the_process(tmp_path: Path) -> None:
    # a lock that its holder takes once more: no signal ends that wait
    locked = """import ctypes
        libc = ctypes.CDLL(None)
        lock = ctypes.create_string_buffer(256)
        libc.pthread_mutex_lock(lock)
        with leaving_though_busy("stopped while connecting", lambda: print("before", flush=True)):
            print("ready", flush=True)
            libc.pthread_mutex_lock(lock)"""
    process = program(tmp_path, locked, prefix="from fst.system.signals import leaving_though_busy")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        time.sleep(0.01)  # it is not in the lock yet
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30) == ("before\n", "stopped while connecting\n")
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


def test_a_main_thread_that_hears_of_a_signal_is_left_alone(tmp_path: Path) -> None:
    waits = """with leaving_though_busy("never said", lambda: print("never done", flush=True)):
            try:
                print("ready", flush=True)
                time.sleep(30)
            finally:
                time.sleep(3)
                print("cleaned", flush=True)"""
    # longer than it is usually, for a machine that does much else, and shorter than it cleans up
    patient = "from fst.system import signals; signals.PATIENCE = 2.0\n"
    prefix = f"{patient}from fst.system.signals import leaving_though_busy"
    process = program(tmp_path, waits, prefix=prefix)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=30) == ("cleaned\n", "stopped\n")
    assert process.returncode == 128 + signal.SIGINT


def test_a_signal_in_a_destructor_is_not_lost(tmp_path: Path) -> None:
    destructor = """class Slow:
            def __del__(self):
                print("ready", flush=True)
                time.sleep(30)
        Slow()
        time.sleep(30)"""
    process = program(tmp_path, destructor)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10) == ("", "stopped\n")
    assert process.returncode == 128 + signal.SIGTERM


LOST = """try:
        work()
    except KeyboardInterrupt:
        request = True
    {after}
    raise ValueError("could not determine the shape")"""


@pytest.mark.parametrize("after", ["", "stop_if_asked()", "raise InputError('a.jpg is broken')"])
def test_a_request_that_a_library_makes_another_error_of_is_not_lost(
    after: str, tmp_path: Path
) -> None:
    """As torch's C code does: the error is no traceback, and no fault of a picture's."""
    prefix = "from fst.errors import InputError\nfrom fst.system.signals import stop_if_asked\n"
    process = program(tmp_path, call=LOST.format(after=after), prefix=prefix)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1]
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1
    assert process.returncode == 128 + signal.SIGTERM
    assert not list(tmp_path.iterdir())


def test_other_threads_finish_what_they_write(tmp_path: Path) -> None:
    call = """thread = threading.Thread(target=work)
    thread.start()
    time.sleep(30)"""
    process = program(tmp_path, "time.sleep(0.3)", call)
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=30)[1] == "stopped\n"
    assert process.returncode == 128 + signal.SIGTERM
    # whole or not there, as the thread was quicker or not
    assert [path.read_text() for path in tmp_path.iterdir()] in ([], ["whole"])


def test_within_a_program_that_has_taken_them_a_part_takes_nothing() -> None:
    def run() -> None:
        with signals.stop_signals():
            outer = signal.getsignal(signal.SIGTERM)
            with signals.stop_signals():
                assert signal.getsignal(signal.SIGTERM) is outer
            sys.exit(3)

    with pytest.raises(SystemExit) as end:
        run()
    assert end.value.code == 3
    assert signals.asked() is None


def test_ctrl_c_while_the_program_is_loaded_says_so() -> None:
    """``fst`` as it is started by a shell: torch is imported when the signal comes."""
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "fst", "stylize", "x.jpg", "--style", "monet"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        assert process.stderr is not None
        for line in process.stderr:  # a line is printed once a module is imported
            if line.split("|")[-1].strip() == "torch.version":
                break
        process.send_signal(signal.SIGINT)
        last = [line for line in process.stderr if "import time:" not in line]
        assert last == ["stopped: nothing was done yet\n"]
    assert process.returncode == 130
