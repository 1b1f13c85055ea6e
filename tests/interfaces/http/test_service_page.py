"""What docs/service.md shows: the client, the command, and how it is run elsewhere."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from documents import fences
from services import photo
from support import ROOT

from fst.interfaces.arguments.serve import parser
from fst.interfaces.commands.serve import settings_of
from fst.interfaces.http.settings import ServiceSettings

PAGE = ROOT / "docs" / "service.md"
FILE = ROOT / "docs" / "service" / "Containerfile"


def shown(language: str, word: str) -> str:
    """The fence that has a word."""
    (found,) = (one.text for one in fences(PAGE) if one.language == language and word in one.text)
    return found


def served_by(words: list[str], monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("FST_TOKEN", "A_LONG_SECRET_WORD")
    assert words[0].rpartition("/")[2] == "fst"
    assert words[1] == "serve"
    return settings_of(parser().parse_args(words[2:]))


def test_the_systemd_unit_starts_what_the_proxy_reaches(monkeypatch: pytest.MonkeyPatch) -> None:
    unit = shown("ini", "ExecStart")
    (line,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    settings = served_by(shlex.split(line), monkeypatch)
    proxy = shown("nginx", "proxy_pass")
    told = re.findall(r"proxy_pass (\S+);", proxy)
    assert set(told) == {f"http://{settings.host}:{settings.port}"}
    (name,) = re.findall(r"server_name (\S+);", proxy)
    assert settings.allowed_hosts == (name,)
    (most,) = re.findall(r"client_max_body_size (\d+)m;", proxy)
    assert int(most) * 1e6 > 3 * settings.max_bytes
    assert settings.token == "A_LONG_SECRET_WORD"
    assert settings.behind_proxy
    assert "X-Forwarded-For $remote_addr;" in proxy  # what a client says of itself is not passed on
    (status,) = re.findall(r"^SuccessExitStatus=(\d+)$", unit, re.MULTILINE)
    assert int(status) == 128 + signal.SIGTERM


def test_the_container_runs_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    text = FILE.read_text(encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    for line in re.findall(r"^#   (podman .+)$", text, re.MULTILINE):
        assert line in page
    steps = [line.partition(" ") for line in text.splitlines() if line and line[0] != "#"]
    by_name: dict[str, Any] = {name: rest for name, _, rest in steps}
    settings = served_by(json.loads(by_name["CMD"]), monkeypatch)
    assert settings.host == "0.0.0.0"
    assert str(settings.port) == by_name["EXPOSE"]
    assert by_name["USER"] != "root"
    assert f":{settings.port}/health" in by_name["HEALTHCHECK"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extra,) = re.findall(r'pip install --no-cache-dir "/src\[(\w+)\]"', text)
    assert extra in project["optional-dependencies"]
    major, minor = re.findall(r"FROM python:(\d+)\.(\d+)-slim", text)[0]
    assert (int(major), int(minor)) >= (3, 11)


def test_the_limits_are_those(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = re.findall(r"^\| `(--[a-z-]+)` \| (\S+)(?: million)? \|", PAGE.read_text(), re.MULTILINE)
    settings = served_by(["fst", "serve"], monkeypatch)
    assert len(rows) == 5
    for option, value in rows:
        known = getattr(settings, option[2:].replace("-", "_"))
        assert known in (int(value), int(value) * 1_000_000)


def test_the_clients_get_pictures(patient: Any, tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{patient[1]}"
    (tmp_path / "photo.jpg").write_bytes(photo(kind="JPEG"))
    program = shown("py", "httpx").replace("http://127.0.0.1:8000", address)
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.jpg")} == {"photo.jpg", "dawn.jpg", "dusk.jpg"}
    if shutil.which("curl") is None:
        pytest.skip("curl is not here")
    line = shown("text", "curl").replace("http://127.0.0.1:8000", address)
    words = [*shlex.split(line.replace("style=monet", "style=dawn")), "--silent", "--noproxy", "*"]
    assert subprocess.run(words, cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "painted.png").read_bytes().startswith(b"\x89PNG")
