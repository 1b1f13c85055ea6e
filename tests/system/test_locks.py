import errno
import subprocess
import sys
from pathlib import Path

import pytest

from fst.errors import InputError
from fst.system import locks
from fst.system.locks import held

HOLD = """
import sys
from pathlib import Path
from fst.system.locks import held
with held(Path(sys.argv[1]), "busy"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_told_and_the_next_one_has_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    assert other.stdin is not None
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="somebody has it"), held(path, "somebody has it"):
            pass
    finally:
        other.kill()  # the system lets go of it
        other.wait()
        other.stdin.close()
        other.stdout.close()
    with held(path, "busy"):
        pass
    with held(path, "busy"):  # let go of after the block
        pass


@pytest.mark.parametrize("error", [OSError(errno.ENOLCK, "no locks"), NotImplementedError()])
@pytest.mark.parametrize("line", ["no locks here", ""])
def test_without_locks_the_block_is_run_and_a_line_says_so(
    error: Exception,
    line: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(locks.FileLock, "acquire", fail)
    done = []
    with held(tmp_path / "a.lock", "busy", line):
        done.append(True)
    assert done
    assert capsys.readouterr().out.strip() == line


def test_a_lock_that_can_not_be_made_is_the_systems_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), held(tmp_path / "file" / "a.lock", "busy"):
        pass
