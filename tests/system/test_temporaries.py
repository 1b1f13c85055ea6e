"""fst.system.temporaries: what killed programs leave is removed, what others are writing is not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support import ROOT

from fst.system import temporaries
from fst.system.files import atomic_file

WRITES = """
import sys, time
from pathlib import Path
from fst.system.files import atomic_file
with atomic_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has written nothing so far."""
    monkeypatch.setattr(temporaries, "_own", set())
    monkeypatch.setattr(temporaries, "_swept", set())


def writer(path: Path) -> "subprocess.Popen[str]":
    """A process that is in the middle of writing ``path``."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, str(path)], env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def leftovers(folder: Path) -> list[Path]:
    return sorted(folder.glob(".fst.*.tmp"))


def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(
    tmp_path: Path,
) -> None:
    with writer(tmp_path / "a") as killed, writer(tmp_path / "b") as living:
        killed.kill()
        killed.wait()
        assert len(leftovers(tmp_path)) == 2
        with atomic_file(tmp_path / "mine") as temporary:
            temporary.write_text("whole")
        (left,) = leftovers(tmp_path)
        assert f".{living.pid}." in left.name
        assert left.read_text() == "half"
        living.send_signal(signal.SIGKILL)
    assert (tmp_path / "mine").read_text() == "whole"
    temporaries.remove_abandoned(tmp_path)
    assert leftovers(tmp_path) == []


def test_of_files_from_elsewhere_only_old_ones_go(tmp_path: Path) -> None:
    other = "0" * 8 if temporaries._machine() != "0" * 8 else "1" * 8
    names = [f".fst.{other}.1.{'a' * 16}.tmp", f".fst.{'b' * 16}.tmp"]  # the second as once
    for name in names:
        (tmp_path / name).touch()
        (tmp_path / f"old{name}").touch()
    temporaries.remove_abandoned(tmp_path)
    assert [path.name for path in leftovers(tmp_path)] == sorted(names)
    long_ago = time.time() - 1.5 * temporaries.DAY
    for name in names:
        os.utime(tmp_path / name, (long_ago, long_ago))
    temporaries.remove_abandoned(tmp_path)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "name", [".fst.tmp", ".fst.notes.tmp", ".fst.0123456789abcdef.tmp.png", "x.fst.tmp"]
)
def test_files_of_users_are_never_taken_for_leftovers(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.touch()
    os.utime(path, (1.0, 1.0))
    temporaries.remove_abandoned(tmp_path)
    assert path.exists()


def test_its_own_are_removed_where_a_program_is_stopped(tmp_path: Path) -> None:
    mine = [temporaries.temporary_path(tmp_path) for _ in range(3)]
    mine[0].touch()
    mine[0].rename(tmp_path / "whole")
    mine[1].touch()  # the third was never made
    temporaries.remove_own()
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
def test_a_fork_that_is_stopped_removes_nothing_of_its_parents(tmp_path: Path) -> None:
    mine = temporaries.temporary_path(tmp_path)
    mine.touch()
    child = os.fork()
    if child == 0:
        temporaries.remove_own()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert mine.exists()


def test_names_are_forgotten_once_they_are_renamed(tmp_path: Path) -> None:
    for _ in range(300):
        temporaries.temporary_path(tmp_path)
    assert len(temporaries._own) <= 100


def test_a_folder_that_is_not_there_is_no_matter(tmp_path: Path) -> None:
    temporaries.remove_abandoned(tmp_path / "nowhere")


def test_a_folder_that_a_killed_program_was_filling_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / ".fst.0123456789abcdef.tmp"
    folder.mkdir()
    (folder / "frame_000001.png").touch()
    os.utime(folder, (0, 0))
    temporaries.remove_abandoned(tmp_path)
    assert not folder.exists()


def test_a_folder_takes_the_place_of_another_or_both_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    for folder in (new, old):
        folder.mkdir()
        (folder / folder.name).touch()
    rename, times = Path.rename, iter(range(9))

    def failing(path: Path, target: Path) -> Path:
        if next(times) == 1:
            raise OSError("no")
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing)
        with pytest.raises(OSError, match="no"):
            temporaries.replace_folder(new, old)
    assert [path.name for path in (*new.iterdir(), *old.iterdir())] == ["new", "old"]
    temporaries.replace_folder(new, old)
    assert [path.name for path in old.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    temporaries.replace_folder(old, tmp_path / "free")
    assert [path.name for path in (tmp_path / "free").iterdir()] == ["new"]
