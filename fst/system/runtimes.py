"""Runtimes of other projects that a process loads once, and keeps."""

import importlib
import sys
import threading
from functools import cache
from types import ModuleType
from typing import Any

_FIRST = threading.Lock()
"""Of what is made once: threads may ask for it together."""


def openvino() -> ModuleType:
    """The package ``openvino``, for which nobody is told that it is used.

    It sends events to a service on the network when it is imported and when it converts, each from
    a fork of this process, unless ``openvino_telemetry``, which it installs, can't be imported.
    """
    with _FIRST:
        return _imported()


def openvino_core() -> Any:
    """OpenVINO's ``Core``: one for the process, until its end.

    On a CPU with AMX the first model that a ``Core`` compiles gives that thread another stack for
    signals. Let go of in another thread, it takes the stack away while the first still has it, and
    the next signal (``Ctrl-C``) is a segmentation fault without a word.
    """
    with _FIRST:
        return _core()


@cache
def _imported() -> ModuleType:
    name = "openvino_telemetry"
    absent = name not in sys.modules  # else the program that uses fst has loaded it
    if absent:
        sys.modules[name] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        return importlib.import_module("openvino")
    finally:
        if absent:
            del sys.modules[name]


@cache
def _core() -> Any:
    return _imported().Core()
