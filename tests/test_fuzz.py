"""Damaged pictures and checkpoints: read or refused in a line, soon, and in little memory.

``FST_FUZZ=1000`` tries as many pictures of each kind, and 300 checkpoints.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import fuzz
import pytest
from support import ROOT

PICTURES = int(os.environ.get("FST_FUZZ", "60"))
CHECKPOINTS = max(60, PICTURES * 3 // 10)
KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000", "PPM", "AVIF", "checkpoint")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What became of the files of each kind, in a process that may crash."""
    folder = tmp_path_factory.mktemp("fuzz")
    script = Path(fuzz.__file__)
    done = subprocess.run(
        [sys.executable, script, str(PICTURES), str(CHECKPOINTS), folder],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{script.parent}"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    found = {about["kind"]: about for about in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, (
        f"ended with {done.returncode} at {sorted(os.listdir(folder))}, after {list(found)}: "
        f"{done.stderr[-2000:]}"
    )
    for about in found.values():
        print(about)
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_damaged_is_read_or_refused_in_a_line(
    kind: str, results: dict[str, dict[str, Any]]
) -> None:
    if kind not in results:
        pytest.skip(f"this Pillow has no {kind}")
    about = results[kind]
    assert about["wrong"] == []
    assert about["loaded"] + about["refused"] == (CHECKPOINTS if kind == "checkpoint" else PICTURES)
    assert about["loaded"] > 0  # else the damage is such that nothing behind it is tried
    assert about["refused"] > 0
    assert about["warnings"] <= 2
    assert about["seconds"] < fuzz.SECONDS
    assert about["peak_mb"] << 20 < fuzz.MEMORY
