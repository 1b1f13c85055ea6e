"""Runs programs of ``fst`` in forks of one process that has the libraries loaded.

A program that is started anew spends seconds on imports; a fork is as much a process of its own,
with its signals, its streams and its end, and is there at once. ``programs.py`` asks for them:
``python fork_server.py`` answers each line of JSON with a line of JSON. ``{"words": […], "script":
…, "folder": …, "environment": {…}, "output": …, "errors": …}`` starts one, and the answer is the
process's number; ``{"poll": number}`` asks for its status (negative: the signal that ended it),
which is null while it runs.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

LOADED = (
    "fst.interfaces.commands.compare",
    "fst.interfaces.commands.reproduce",
    "fst.interfaces.commands.stylize",
    "fst.interfaces.commands.train",
    "fst.interfaces.commands.video",
    "torch.utils.tensorboard",
)


def run(order: dict[str, Any], streams: tuple[int, int]) -> None:
    """The program, in a process of its own; does not return."""
    import datasets

    os.chdir(order["folder"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, stream in enumerate(streams, 1):
        os.dup2(stream, number)
        os.close(stream)
    # what libraries have read from the environment when they were imported
    os.environ.clear()
    os.environ.update(order["environment"])
    tempfile.tempdir = None
    if home := os.environ.get("HF_HOME"):
        datasets.config.HF_DATASETS_CACHE = Path(home, "datasets")
    if script := order["script"]:
        sys.argv = [script, *order["words"]]
        sys.path[0] = str(Path(script).parent)
        runpy.run_path(script, run_name="__main__")
        sys.exit()
    sys.argv = ["fst", *order["words"]]
    from fst.interfaces.cli import main

    main()


def answer(order: dict[str, Any]) -> int | None:
    """What is asked for; in the new process it does not return."""
    if number := order.get("poll"):
        ended, status = os.waitpid(number, os.WNOHANG)
        return os.waitstatus_to_exitcode(status) if ended else None
    # opened before the fork, so that whoever reads does not find an end before the beginning
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    streams = os.open(order["output"], flags), os.open(order["errors"], flags)
    if (child := os.fork()) == 0:
        run(order, streams)
    for stream in streams:
        os.close(stream)
    return child


def serve() -> None:
    """One order after the other, until nobody asks any more."""
    import torch

    from fst.system.signals import STOPPING

    torch.set_num_threads(1)
    for number in STOPPING:  # whoever runs the tests may ignore them: nohup, a job of a shell
        signal.signal(number, signal.SIG_DFL)
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # else every fork copies the memory when it collects at its end
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
