"""Programs of ``fst`` as processes of their own that need not be loaded; see ``fork_server.py``."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support import ROOT


class Server:
    """The process that the programs are forks of.

    Args:
        folder: for what it needs itself, not for the programs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[Program] = []
        away = {f"XDG_{name}_HOME": str(folder / name) for name in ("CACHE", "DATA")}
        kept = {key: value for key, value in os.environ.items() if key != "FST_ASSETS"}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "fork_server.py")],
            env={**kept, **away, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1",
                 "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._answer() == "ready"

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def ask(self, **order: Any) -> Any:
        """An order, and the answer to it."""
        assert self.process.stdin is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        return self._answer()

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        script: Path | None = None,
        together: bool = True,
    ) -> "Program":
        """Starts a program.

        Args:
            words: after ``fst``, or after the script.
            folder: in which it runs.
            environment: all of it.
            script: None is ``fst`` itself.
            together: what it says and its errors come in one stream.
        """
        with tempfile.TemporaryDirectory(dir=self.folder) as names:
            pipes = [os.path.join(names, name) for name in ("output", "errors")][: 2 - together]
            for pipe in pipes:
                os.mkfifo(pipe)
            ends = [os.open(pipe, os.O_RDONLY | os.O_NONBLOCK) for pipe in pipes]
            number = self.ask(
                words=list(words), script=script and str(script), folder=str(folder),
                environment=dict(environment), output=pipes[0], errors=pipes[-1],
            )  # fmt: skip
        self._started.append(Program(self, number, ends))
        return self._started[-1]

    def close(self) -> None:
        """Lets it end, with what a test that has failed left running."""
        for program in self._started:
            program.send_signal(signal.SIGKILL)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        assert self.process.wait(60) == 0


class Program:
    """A program that was started: what the tests use of :class:`subprocess.Popen`."""

    def __init__(self, server: Server, pid: int, ends: list[int]) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._server, self._said = server, {end: bytearray() for end in ends}
        self._open = list(ends)

    def poll(self) -> int | None:
        """Its status, once it has ended."""
        if self.returncode is None:
            self.returncode = self._server.ask(poll=self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def said(self) -> tuple[str, ...]:
        """What has come so far of output and errors, or of the one stream they share."""
        for end in select.select(self._open, [], [], 0)[0] if self._open else ():
            if not (part := os.read(end, 1 << 16)):
                os.close(end)
                self._open.remove(end)
            self._said[end] += part
        return tuple(bytes(text).decode(errors="replace") for text in self._said.values())

    def communicate(self, timeout: float = 300) -> tuple[str, ...]:
        """All that it says until its streams are closed, by its children too, and it has ended."""
        deadline = time.monotonic() + timeout
        while self._open or self.poll() is None:
            assert time.monotonic() < deadline, f"still running; it has said {self.said()}"
            select.select(self._open, [], [], 0.01 if not self._open else 1.0)
            self.said()
        return self.said()
