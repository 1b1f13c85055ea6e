"""fst.errors: the tree of user errors, and how a script ends on one."""

import errno
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from fst.errors import (
    AssetError,
    CheckpointError,
    DivergedError,
    FstError,
    FstWarning,
    InputError,
    one_line_errors,
)

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (InputError, ValueError),
        (AssetError, FileNotFoundError),
        (CheckpointError, ValueError),
        (DivergedError, ArithmeticError),
    ],
)
def test_every_error_is_ours_and_a_builtin(error: type[FstError], builtin: type[Exception]) -> None:
    assert issubclass(error, FstError)
    assert issubclass(error, builtin)
    assert str(error("the whole message")) == "the whole message"


def test_an_error_without_a_message_has_an_empty_text() -> None:
    assert str(FstError()) == ""


def test_a_block_that_ends_well_leaves_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    reached = []
    with one_line_errors():
        reached.append(True)
    assert reached
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("error", [InputError, AssetError, CheckpointError, DivergedError])
def test_a_user_error_ends_in_one_line_and_status_one(
    error: type[FstError], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise error("photo.jpg is empty")
    assert end.value.code == 1
    assert capsys.readouterr() == ("", "error: photo.jpg is empty\n")


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device\n"),
        (
            PermissionError(errno.EACCES, "Permission denied", "out.png"),
            "error: Permission denied (out.png)\n",
        ),
    ],
)
def test_an_error_of_the_operating_system_ends_in_one_line(
    error: OSError, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise error
    assert end.value.code == 1
    assert capsys.readouterr().err == line


def test_a_warning_of_ours_is_one_line_and_others_are_left_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def command() -> None:
        with one_line_errors():
            for _ in range(2):  # said once
                warnings.warn("two pages: the first is taken", FstWarning, stacklevel=1)
            warnings.warn("theirs", UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match="theirs") as seen:
        command()
    assert [str(warning.message) for warning in seen] == ["theirs"]
    assert capsys.readouterr() == ("", "warning: two pages: the first is taken\n")
    with pytest.warns(FstWarning, match="outside"):
        warnings.warn("outside", FstWarning, stacklevel=1)


def test_ctrl_c_ends_with_the_shells_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end, one_line_errors():
        raise KeyboardInterrupt
    assert end.value.code == 128 + 2  # the shell's convention: 128 + SIGINT
    assert capsys.readouterr().err == "stopped\n"


@pytest.mark.parametrize("error", [RuntimeError("closed"), OSError("closed")])
def test_an_error_in_the_cleaning_up_is_none_of_the_users(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        with one_line_errors():
            try:
                raise KeyboardInterrupt(signal.SIGTERM)
            finally:
                raise error

    with pytest.raises(SystemExit) as end:
        command()
    assert end.value.code == 128 + 15
    assert capsys.readouterr().err == "stopped\n"


def test_a_name_with_line_breaks_and_bytes_that_are_no_text_stays_in_a_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = os.fsdecode(b"caf\xe9\n\x1b[31m\xc2\x85.jpg")
    with pytest.raises(SystemExit), one_line_errors():
        raise InputError(f"{name}: no such file")
    assert capsys.readouterr().err == "error: caf\\udce9\\n\\x1b[31m\\x85.jpg: no such file\n"


@pytest.mark.parametrize(
    "bug", [RuntimeError("bug"), ValueError("bug"), KeyError("bug"), OSError("bug, without errno")]
)
def test_a_bug_keeps_its_traceback(bug: Exception) -> None:
    with pytest.raises(type(bug)) as caught, one_line_errors():
        raise bug
    assert caught.value is bug


def test_a_reader_that_left_ends_the_script_silently() -> None:
    script = (
        "from fst.errors import one_line_errors\n"
        "with one_line_errors():\n"
        "    for i in range(100_000):\n"
        "        print('line', i, flush=True)\n"
    )
    # in a buffered stream the line that failed stays, and Python tries it again at the exit
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=buffered,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == b"line 0\n"
    process.stdout.close()
    complaint = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert complaint == b""
