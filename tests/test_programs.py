"""What stands in for new processes in other tests: forks that are told from them by nothing."""

import json
import signal
import time
from pathlib import Path

import pytest
from programs import Server
from support import Run

TELLS = """
import json, os, sys
print(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ), os.getpid(), sys.stdin.read()]))
print("wrong", file=sys.stderr)
sys.exit(3)
"""


def test_a_fork_has_its_own_words_folder_environment_and_streams(
    fork_server: Server, tmp_path: Path
) -> None:
    (tmp_path / "tells.py").write_text(TELLS)
    program = fork_server.start(
        ["a", "ü b"], tmp_path, {"NAME": "value"}, tmp_path / "tells.py", together=False
    )
    output, errors = program.communicate()
    told = [["a", "ü b"], str(tmp_path), {"NAME": "value"}, program.pid, ""]
    assert json.loads(output) == told
    assert "wrong" in errors.splitlines()
    assert program.returncode == program.poll() == 3


def test_forks_run_side_by_side_and_can_be_killed(fork_server: Server, tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text("import time\nprint('here', flush=True)\ntime.sleep(600)")
    programs = [fork_server.start([], tmp_path, {}, tmp_path / "waits.py") for _ in range(2)]
    for program in programs:
        while program.said() != ("here\n",):
            time.sleep(0.01)
        assert program.poll() is None
    programs[1].send_signal(signal.SIGKILL)
    assert programs[1].communicate() == ("here\n",)
    assert programs[1].returncode == -signal.SIGKILL
    assert programs[0].poll() is None
    programs[0].send_signal(signal.SIGTERM)
    programs[0].communicate()
    assert programs[0].returncode == -signal.SIGTERM


@pytest.mark.parametrize("words", [[], ["style=nobody"], ["style=monet", "trainer.max_steps=0"]])
def test_a_mistake_ends_a_fork_as_it_ends_a_new_process(
    words: list[str], run: Run, run_forked: Run
) -> None:
    new, fork = run("train.py", *words), run_forked("train.py", *words)
    assert new.returncode in (1, 2)
    assert (fork.returncode, fork.stdout) == (new.returncode, new.stdout)
    assert [line for line in new.stderr.splitlines() if line not in fork.stderr] == []
