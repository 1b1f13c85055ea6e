"""fst.system.runtimes: what a process keeps of other projects' runtimes."""

import subprocess
import sys

import pytest

ENDS_IN_A_THREAD = """
import gc, os, signal, threading
import openvino
from fst.system.runtimes import openvino_core

given = openvino.opset14.parameter([1, 3, 8, 8], openvino.Type.f32)
model = openvino.Model([openvino.opset14.relu(given)], [given])
held = [openvino_core().compile_model(model, "CPU")]

def let_go():
    held.clear()
    gc.collect()

thread = threading.Thread(target=let_go)
thread.start()
thread.join()
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_comes_through_after_a_thread_let_go_of_a_model() -> None:
    pytest.importorskip("openvino")  # with AMX the process died of the signal
    done = subprocess.run(
        [sys.executable, "-c", ENDS_IN_A_THREAD], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "asked\n"), done.stderr
