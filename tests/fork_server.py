"""Runs commands of ``fst`` in forks of one process that has the libraries loaded: quick to kill.

``python fork_server.py`` reads lines of JSON, ``{"words": […], "folder": …, "output": …}``, and
answers with two lines: the process's number at once, and its status at its end (negative: the
signal that ended it). What the command says goes to the file ``output``.
"""

import gc
import importlib
import json
import os
import signal
import sys
from typing import Any


def run(order: dict[str, Any]) -> None:
    """The command, in a process of its own; does not return."""
    os.chdir(order["folder"])
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["fst", *order["words"]]
    from fst.interfaces.cli import main

    main()


def serve() -> None:
    """One command after the other, until nobody asks any more."""
    import torch

    from fst.system.signals import STOPPING

    torch.set_num_threads(1)
    for number in STOPPING:  # whoever runs the tests may ignore them: nohup, a job of a shell
        signal.signal(number, signal.SIG_DFL)
    for name in ("stylize", "compare", "train"):
        importlib.import_module(f"fst.interfaces.commands.{name}")
    gc.freeze()  # else every fork copies the memory when it collects at its end
    print("ready", flush=True)
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            run(json.loads(line))
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
