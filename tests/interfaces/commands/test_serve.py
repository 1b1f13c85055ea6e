import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import Run

from fst.errors import InputError
from fst.interfaces.arguments.serve import parser
from fst.interfaces.commands import serve
from fst.interfaces.commands.serve import settings_of
from fst.interfaces.http import server
from fst.interfaces.http.settings import ServiceSettings


def told(*words: str) -> ServiceSettings:
    return settings_of(parser().parse_args(words))


def test_what_nobody_says_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FST_TOKEN", raising=False)
    assert told() == ServiceSettings()


@pytest.mark.parametrize("words", [("--host", "0.0.0.0"), ("--allow-host", "A.example"),
                                   ("--behind-proxy",)])  # fmt: skip
def test_beyond_this_machine_a_token_is_made(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FST_TOKEN", raising=False)
    first, second = told(*words), told(*words)
    assert first.token is not None
    assert len(first.token) >= 30
    assert first.token != second.token
    monkeypatch.setenv("FST_TOKEN", "a-token-of-this-test")
    assert told(*words).token == "a-token-of-this-test"
    assert told(*words, "--token", "another-token-here").token == "another-token-here"
    monkeypatch.setenv("FST_TOKEN", "short")
    with pytest.raises(InputError, match="token"):
        told(*words)


def test_only_a_token_that_nobody_knows_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is printed by a service goes into a log, which others may read."""
    monkeypatch.delenv("FST_TOKEN", raising=False)
    monkeypatch.setattr(server.Server, "run", lambda self, sockets: None)
    words = ["--port", "0", "--no-browser", "--behind-proxy", "--checkpoints", str(tmp_path)]
    assert serve.main(parser().parse_args(words)) == 0
    assert re.search(r"http://127\.0\.0\.1:\d+/\?token=\S{30}", capsys.readouterr().out)
    assert serve.main(parser().parse_args([*words, "--token", "a-token-of-this-test"])) == 0
    monkeypatch.setenv("FST_TOKEN", "a-token-of-this-test")
    assert serve.main(parser().parse_args(words)) == 0
    said = capsys.readouterr().out
    assert said.count("http://127.0.0.1:") == 2
    assert "token" not in said


def test_a_port_that_is_taken_is_a_line(run_inside: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run_inside("serve.py", "--port", port, "--no-browser")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert port in done.stderr
    assert "--port" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    options: Any = parser().parse_args([])
    with pytest.raises(InputError, match="pip install fastapi uvicorn"):
        serve.main(options)


def test_nobody_else_loads_what_it_needs() -> None:
    program = (
        "import sys, fst, fst.interfaces.cli, fst.interfaces.arguments.serve\n"
        "fst.load\n"
        "print([name for name in ('fastapi', 'starlette', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
