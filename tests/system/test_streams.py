"""fst.system.streams: whatever the standard streams are, the work is done and no name is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

from fst.system.streams import SteadyOutput, steady_streams

NOBODY = "(exec <&-; touch gone)"
"""A reader that has closed its end before the program writes a thing."""

PROGRAM = """
import sys, time
from pathlib import Path
from fst.errors import one_line_errors
from fst.system.streams import steady_streams
while sys.argv[2:] and not Path(sys.argv[2]).exists():
    time.sleep(0.01)
with steady_streams(), one_line_errors():
    print("caf\\udce9 \\u2026", flush=True)
    print("\\u2026 caf\\udce9", file=sys.stderr)
    with open("result", "w") as file:
        file.write(str(file.fileno()))
    print("wrote result")
    sys.exit(int(sys.argv[1]))
"""


def said(
    folder: Path, shell: str, status: int = 0, **environment: str
) -> "subprocess.CompletedProcess[str]":
    """The program, as a shell runs it: ``shell`` is what is typed after it."""
    (folder / "program.py").write_text(PROGRAM)
    (folder / "result").unlink(missing_ok=True)
    (folder / "gone").unlink(missing_ok=True)
    awaited = "gone" if NOBODY in shell else ""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LC_", "LANG"))}
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} program.py {status} {awaited} {shell}"],
        cwd=folder, env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shell", "output", "errors", "status"),
    [
        ("", "caf\\udce9 …\nwrote result\n", "… caf\\udce9\n", 0),
        (">&-", "", "… caf\\udce9\n", 0),
        ("2>&-", "caf\\udce9 …\nwrote result\n", "", 0),
        ("<&- >&- 2>&-", "", "", 0),
        (">/dev/full", "", "No space left", 1),
        ("2>/dev/full", "caf\\udce9 …\nwrote result\n", "", 0),
        (">/dev/full 2>/dev/full", "", "", 1),
        (f"| {NOBODY}", "", "… caf\\udce9\n", 1),
        (f"2>&1 >/dev/null | {NOBODY}", "", "", 0),
    ],
)
def test_the_work_is_done_whatever_becomes_of_the_output(
    shell: str, output: str, errors: str, status: int, tmp_path: Path
) -> None:
    if "full" in shell and not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    ended = said(tmp_path, shell, PYTHONUTF8="1")
    assert ended.returncode == status, ended.stderr
    assert ended.stdout == output
    assert ended.stderr == errors or (errors == "No space left" and errors in ended.stderr)
    assert int((tmp_path / "result").read_text()) > 2  # in nobody's way
    assert said(tmp_path, shell, 3, PYTHONUTF8="1").returncode == 3  # worse things are told first


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"PYTHONIOENCODING": "ascii"}, "caf\\udce9 \\u2026"),
        ({"PYTHONIOENCODING": "ascii:strict"}, "caf\\udce9 \\u2026"),
        ({"PYTHONIOENCODING": "utf-8:strict"}, "caf\\udce9 …"),
        ({"PYTHONIOENCODING": "latin-1"}, "caf\\udce9 \\u2026"),
        ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}, "caf\\udce9 \\u2026"),
        ({"LC_ALL": "C"}, "caf\\udce9 …"),
        ({"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}, "caf\\udce9 …"),
    ],
)
def test_what_an_encoding_has_not_is_escaped(
    environment: dict[str, str], shown: str, tmp_path: Path
) -> None:
    ended = said(tmp_path, "", **environment)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{shown}\nwrote result\n"
    first, second = shown.split()
    assert ended.stderr == f"{second} {first}\n"


def test_a_stream_of_somebody_elses_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    with steady_streams():
        assert sys.stdout is before
        print("seen")
    assert capsys.readouterr().out == "seen\n"


def test_all_of_it_is_written_though_a_pipe_takes_a_part_at_a_time() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    content = b"0123456789" * 20_000  # more than a pipe holds
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read())"],
        stdin=read, stdout=subprocess.PIPE,
    )  # fmt: skip
    os.close(read)
    output = SteadyOutput(write)
    assert output.write(content) == len(content)
    os.close(write)
    assert child.communicate(timeout=60)[0] == content
    assert output.error is None
