"""Runs the scripts as a user does: in a process of their own, in an empty folder."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from support import SCRIPTS, Run


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment without FST_ASSETS, without caches, and with the network switched off."""
    kept = {key: value for key, value in os.environ.items() if key != "FST_ASSETS"}
    away = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "TORCH_HOME": str(tmp_path / "torch")}
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    # a proxy that refuses: a download fails at once instead of reaching out
    refused = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    # tiny nets are quicker on one thread, and don't wait for each other on a busy machine
    return {**kept, **away, **offline, **refused, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """``run("stylize.py", "photo.jpg", ..., FST_ASSETS=...)`` in an empty folder."""

    def call(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(SCRIPTS / script), *arguments],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    return call


@pytest.fixture
def run_inside(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """The same as ``run`` in this very process: seconds quicker, for mistakes and small jobs."""

    def call(script: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("FST_ASSETS", raising=False)
        for name, value in {**environment, **variables}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", [str(SCRIPTS / script), *arguments])
        status: object = 0
        try:
            runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        except SystemExit as end:
            status = end.code
        output, errors = capsys.readouterr()
        code = status if isinstance(status, int) else int(status is not None)
        return subprocess.CompletedProcess(arguments, code, output, errors)

    return call
