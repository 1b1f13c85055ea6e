"""Runtimes of other projects that a process loads once, and keeps."""

from functools import cache
from typing import Any


@cache
def openvino_core() -> Any:
    """OpenVINO's ``Core``: one for the process, until its end.

    On a CPU with AMX the first model that a ``Core`` compiles gives that thread another stack for
    signals. Let go of in another thread, it takes the stack away while the first still has it, and
    the next signal (``Ctrl-C``) is a segmentation fault without a word.
    """
    import openvino

    return openvino.Core()
