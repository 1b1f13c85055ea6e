"""scripts/train.py on several devices: processes on the CPU that talk over gloo."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import Program, Server
from support import SCRIPTS, Run, make_photo

pytestmark = pytest.mark.slow


@pytest.fixture
def tiny(tmp_path: Path, photo_folder: Path) -> list[str]:
    """Arguments of a training that takes milliseconds a step."""
    make_photo(64, 48, seed=50).save(tmp_path / "painting.png")
    return [
        "style=monet",
        "style.name=mine",
        "style.image=painting.png",
        "style.size=48",
        "data=folder",
        f"data.path={photo_folder}",
        "data.size=32",
        "data.batch_size=4",
        "data.val_photos=2",
        "net.arguments={width: 4, residual_blocks: 1}",
        "loss.weights=slim",
        "loss.slim_share=null",
        "style.style_weight=3",
        "logger=csv",
        "precision=fp32",
        "trainer.device=cpu",
        "trainer.log_every=1",
        "trainer.val_every=10",
        "trainer.preview_every=1000",
        "trainer.checkpoint_every=10",
    ]


Start = Callable[[list[str], str], Program]
"""Starts a training whose runs and styles come into a folder of this name."""


@pytest.fixture
def start(fork_server: Server, environment: dict[str, str], tmp_path: Path) -> Start:
    """Its first process need not be loaded; the second one is started by the first."""

    def call(words: list[str], name: str) -> Program:
        words = [*words, f"runs={name}/runs", f"checkpoints={name}/done"]
        return fork_server.start(words, tmp_path, environment, SCRIPTS / "train.py")

    return call


def curve(folder: Path) -> list[dict[str, str]]:
    (file,) = folder.glob("runs/mine/*/metrics.csv")
    with file.open(newline="") as opened:
        return list(csv.DictReader(opened))


def wait_for_step(folder: Path, step: int, process: Program) -> None:
    deadline = time.monotonic() + 600
    while time.monotonic() < deadline:
        files = list(folder.glob("runs/mine/*/metrics.csv"))
        if files and any(line.startswith(f"{step},") for line in files[0].read_text().splitlines()):
            return
        assert process.poll() is None, process.said()
        time.sleep(0.05)
    raise AssertionError(f"step {step} never came")


def child_of(process: Program) -> int:
    """The second process of the run, which the first one has started."""
    return children_of(process)[1]


def children_of(process: Program) -> dict[int, int]:
    """Those that the run has started, by their rank."""
    found = {}
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for child in map(int, children):
        rank = re.search(rb"\bLOCAL_RANK=(\d+)", Path(f"/proc/{child}/environ").read_bytes())
        if rank:
            found[int(rank[1])] = child
    return found


def test_two_processes_train_as_one_does(tiny: list[str], tmp_path: Path, start: Start) -> None:
    # One process takes the batch in the same two parts: sums in another order differ by rounding,
    # which Adam's first steps amplify a thousand times.
    for name, setting in (("one", "accumulate=2"), ("two", "trainer.devices=2")):
        process = start([*tiny, setting, "trainer.max_steps=20"], name)
        (output,) = process.communicate()
        assert process.returncode == 0, output
        assert "Warning" not in output
    one, two = (curve(tmp_path / name) for name in ("one", "two"))
    assert [row["step"] for row in one] == [row["step"] for row in two]
    assert len([row for row in two if row["train/total"]]) == 20
    for a, b in zip(one, two, strict=True):
        assert a.keys() == b.keys()
        for key in a:
            assert bool(a[key]) == bool(b[key])
            if a[key]:
                assert float(b[key]) == pytest.approx(float(a[key]), abs=1e-4), (key, a["step"])
    assert len(list((tmp_path / "two" / "runs" / "mine").iterdir())) == 1  # one writer


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds a process through /proc")
@pytest.mark.parametrize("killed", [0, 1])
def test_a_killed_process_ends_the_other_and_the_run_resumes(
    killed: int, tiny: list[str], tmp_path: Path, start: Start
) -> None:
    long = [*tiny, "trainer.devices=2", "trainer.max_steps=1000000"]
    process = start(long, "run")
    wait_for_step(tmp_path / "run", 25, process)
    child = child_of(process)
    os.kill(process.pid if killed == 0 else child, signal.SIGKILL)
    (output,) = process.communicate()  # the pipe closes when both have ended
    assert process.returncode != 0
    assert "another process of this run has ended" in output
    assert "resume=auto" in output
    assert "Traceback" not in output
    saved = max(int(p.stem.split("=")[1]) for p in tmp_path.glob("run/runs/mine/*/resume/*.ckpt"))
    assert saved >= 20
    short = [*tiny, "trainer.devices=2", f"trainer.max_steps={saved + 5}", "resume=auto"]
    resumed = start(short, "run")
    (output,) = resumed.communicate()
    assert resumed.returncode == 0, output
    assert f"step={saved}.ckpt" in output
    steps = [int(row["step"]) for row in curve(tmp_path / "run") if row["train/total"]]
    assert steps == list(range(saved + 5))


def test_torchrun_starts_the_processes(
    tiny: list[str], tmp_path: Path, environment: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
               str(SCRIPTS / "train.py"), *tiny, "trainer.devices=2", "trainer.max_steps=4",
               "runs=run/runs", "checkpoints=run/done"]  # fmt: skip
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("wrote ") == 1
    assert (tmp_path / "run" / "done" / "mine.safetensors").is_file()
    assert len([row for row in curve(tmp_path / "run") if row["train/total"]]) == 4


def test_a_batch_that_cannot_be_dealt_evenly_is_refused_before_the_work(
    tiny: list[str], tmp_path: Path, run_inside: Run
) -> None:
    odd = [*tiny, "data.batch_size=3", "trainer.devices=2", "trainer.max_steps=4"]
    result = run_inside("train.py", *odd)
    assert result.returncode == 1
    assert "multiple of 2" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "runs").exists()


def test_a_signal_to_one_process_stops_both_with_a_checkpoint(
    tiny: list[str], tmp_path: Path, start: Start
) -> None:
    long = [*tiny, "trainer.devices=2", "trainer.max_steps=1000000",
            "trainer.checkpoint_every=1000000"]  # fmt: skip
    process = start(long, "run")
    wait_for_step(tmp_path / "run", 5, process)
    os.kill(child_of(process), signal.SIGTERM)
    (output,) = process.communicate()
    assert process.returncode == 130, output
    assert "go on with: " in output
    assert len(list(tmp_path.glob("run/runs/mine/*/resume/*.ckpt"))) == 1


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds a process through /proc")
@pytest.mark.parametrize("both", [True, False])
def test_ctrl_c_before_the_second_process_has_come(
    both: bool, tiny: list[str], tmp_path: Path, start: Start
) -> None:
    process = start([*tiny, "trainer.devices=2", "trainer.max_steps=4"], "run")
    deadline = time.monotonic() + 300
    while (child := children_of(process).get(1)) is None and time.monotonic() < deadline:
        assert process.poll() is None, process.said()
        time.sleep(0.01)
    assert child is not None
    os.kill(child, signal.SIGSTOP)  # it would come while this test looks elsewhere
    time.sleep(0.5)  # the first process waits for it, in C code
    for number in (child, process.pid) if both else (process.pid,):
        os.kill(number, signal.SIGINT)
    (output,) = process.communicate()  # until the other one has ended, too
    assert process.returncode == 130, output
    assert output.count("stopped") == 1
    assert "Traceback" not in output
    assert not list(tmp_path.glob("run/runs/mine/*/resume/*"))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds a process through /proc")
def test_ctrl_c_reaches_both_and_one_of_them_says_how_to_go_on(
    tiny: list[str], tmp_path: Path, start: Start
) -> None:
    process = start([*tiny, "trainer.devices=2", "trainer.max_steps=1000000"], "run")
    wait_for_step(tmp_path / "run", 5, process)
    for number in (child_of(process), process.pid):  # as a terminal does
        os.kill(number, signal.SIGINT)
    (output,) = process.communicate()
    assert process.returncode == 130, output
    (line,) = [line for line in output.splitlines() if "resume=" in line]
    named = re.findall(r"resume=(\S+)", line)[-1]
    assert (tmp_path / named / "resume").is_dir()
    assert output.count("stopping after this") == 1
