"""fst.training.runs: where a run writes, what it resumes, and how its result gets its name."""

import contextlib
import errno
import fcntl
import os
import resource
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
import torch
import yaml
from programs import Server

from fst.errors import CheckpointError, InputError
from fst.nets import make_net
from fst.styles.trained import TrainedStyle, load_checkpoint
from fst.training import runs as runs_module
from fst.training.checkpoints import write_resumable
from fst.training.runs import Run, finish, keep_settings, may_replace, prepare_run


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints"


def earlier_run(
    runs: Path, stamp: str, *names: str, age: int = 0, finished: bool = False, style: str = "monet"
) -> Path:
    """A run's folder with these resumable checkpoints, last written ``age`` hours ago."""
    folder = runs / style / stamp
    (folder / "resume").mkdir(parents=True)
    for name in names:
        path = folder / "resume" / f"{name}.ckpt"
        write_resumable({"global_step": 1, "state": torch.ones(3)}, path)
        os.utime(path, (1_700_000_000 - 3600 * age,) * 2)
    if finished:
        (folder / f"{style}.safetensors").write_bytes(b"style")
    return folder


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to write past ``size`` bytes of a file (EFBIG)."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def damage(path: Path) -> None:
    """Flips a bit in the middle; the time of the last change stays."""
    times = (path.stat().st_atime, path.stat().st_mtime)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, times)


# --- new runs ------------------------------------------------------------------------------------


def test_a_new_run_has_its_folders_and_nothing_to_resume(runs: Path, checkpoints: Path) -> None:
    run = prepare_run("monet", runs, checkpoints)
    assert run.folder.parent == runs / "monet"
    assert run.checkpoints.is_dir()
    assert run.checkpoints.parent == run.folder
    assert run.output == checkpoints / "monet.safetensors"
    assert checkpoints.is_dir()
    assert run.resume is None


def test_runs_of_the_same_second_have_different_folders(runs: Path, checkpoints: Path) -> None:
    folders = [prepare_run("monet", runs, checkpoints).folder for _ in range(4)]
    assert len(set(folders)) == 4
    assert all(folder.is_dir() for folder in folders)


def test_a_new_run_leaves_an_unfinished_one_alone(runs: Path, checkpoints: Path) -> None:
    before = earlier_run(runs, "20250101-000000", "step=30")
    run = prepare_run("monet", runs, checkpoints)
    assert run.resume is None
    assert run.folder != before


def test_a_finished_style_is_not_replaced_unless_asked(runs: Path, checkpoints: Path) -> None:
    checkpoints.mkdir()
    output = checkpoints / "monet.safetensors"
    output.write_bytes(b"weeks of work")
    with pytest.raises(InputError, match="overwrite=true"):
        prepare_run("monet", runs, checkpoints)
    assert not runs.exists()  # refused before anything was made
    assert prepare_run("monet", runs, checkpoints, overwrite=True).output == output
    assert output.read_bytes() == b"weeks of work"  # replaced at the end, not at the start


def test_overwrite_is_said_of_the_file_that_is_there_then(checkpoints: Path) -> None:
    checkpoints.mkdir()
    output = checkpoints / "monet.safetensors"
    settings = {"overwrite": True, "style": {"name": "monet"}, "checkpoints": str(checkpoints)}
    told_of_none = dict(settings)
    assert may_replace(told_of_none)
    output.write_bytes(b"of before")
    assert not may_replace(told_of_none)
    told_of_it = dict(settings)
    assert may_replace(told_of_it)
    assert may_replace(dict(told_of_it))  # as a resumed run has it
    output.write_bytes(b"of another run")
    assert not may_replace(told_of_it)
    assert not may_replace({**settings, "overwrite": False})


def test_a_resumed_run_that_may_not_replace_a_style_says_what_can_be_done(
    runs: Path, checkpoints: Path
) -> None:
    before = earlier_run(runs, "20250101-000000", "step=30")
    checkpoints.mkdir()
    (checkpoints / "monet.safetensors").write_bytes(b"of another run")
    with pytest.raises(InputError, match="overwrite=true") as caught:
        prepare_run("monet", runs, checkpoints, resume=str(before))
    assert "style.name" not in str(caught.value)  # which can't change in a run
    assert "checkpoints=" in str(caught.value)


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "/etc/monet", "../monet"])
def test_a_name_that_cannot_name_a_file_is_refused(
    runs: Path, checkpoints: Path, name: str
) -> None:
    with pytest.raises(InputError, match=r"style\.name"):
        prepare_run(name, runs, checkpoints)
    assert not runs.exists()


@pytest.mark.parametrize("blocked", ["runs", "checkpoints", "runs/monet"])
def test_a_folder_that_cannot_be_made_is_found_out_at_once(
    runs: Path, checkpoints: Path, tmp_path: Path, blocked: str
) -> None:
    in_the_way = tmp_path / blocked
    in_the_way.parent.mkdir(exist_ok=True)
    in_the_way.write_text("a file where the folder should be")
    with pytest.raises(InputError, match=blocked):
        prepare_run("monet", runs, checkpoints)


# --- resuming ------------------------------------------------------------------------------------


def test_auto_takes_the_highest_step_by_number(runs: Path, checkpoints: Path) -> None:
    before = earlier_run(runs, "20250101-000000", "step=90", "step=100", "step=9")
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume == before / "resume" / "step=100.ckpt"
    assert run.folder == before


def test_auto_takes_the_newest_run(runs: Path, checkpoints: Path) -> None:
    earlier_run(runs, "20250101-000000", "step=5000", age=48)
    newest = earlier_run(runs, "20250103-000000", "step=30", age=1)
    earlier_run(runs, "20250102-000000", "step=900", age=24)
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume == newest / "resume" / "step=30.ckpt"


def test_auto_passes_over_finished_runs(runs: Path, checkpoints: Path) -> None:
    unfinished = earlier_run(runs, "20250101-000000", "step=60", age=48)
    earlier_run(runs, "20250102-000000", "step=200", finished=True)
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume == unfinished / "resume" / "step=60.ckpt"


def test_auto_passes_over_other_styles_and_runs_without_a_checkpoint(
    runs: Path, checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier_run(runs, "20250101-000000", "step=60", style="great_wave")
    earlier_run(runs, "20250102-000000")
    (runs / "monet" / "notes.txt").write_text("a file among the runs")
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume is None
    assert "nothing to resume" in capsys.readouterr().out


def test_a_resumed_run_says_from_where(
    runs: Path, checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = earlier_run(runs, "20250101-000000", "step=60")
    prepare_run("monet", runs, checkpoints, resume="auto")
    assert str(before / "resume" / "step=60.ckpt") in capsys.readouterr().out


@pytest.mark.parametrize("what", ["", "resume", "resume/step=90.ckpt"])
def test_a_path_resumes_that_run(runs: Path, checkpoints: Path, what: str) -> None:
    chosen = earlier_run(runs, "20250101-000000", "step=90", "step=100", age=48)
    earlier_run(runs, "20250102-000000", "step=500")
    run = prepare_run("monet", runs, checkpoints, resume=str(chosen / what))
    name = "step=90.ckpt" if what.endswith(".ckpt") else "step=100.ckpt"
    assert run.resume == chosen / "resume" / name
    assert run.folder == chosen


def test_a_second_version_of_a_checkpoint_is_no_stumbling_block(
    runs: Path, checkpoints: Path
) -> None:
    """Lightning writes ``step=60-v1.ckpt`` where ``step=60.ckpt`` exists already."""
    before = earlier_run(runs, "20250101-000000", "step=30", "step=60", "step=60-v1")
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume is not None
    assert run.resume.parent == before / "resume"
    assert run.resume.name.startswith("step=60")


@pytest.mark.parametrize("what", ["nowhere", "runs", "missing.ckpt", "other.txt"])
def test_nothing_to_resume_at_a_path_is_a_checkpoint_error(
    runs: Path, checkpoints: Path, tmp_path: Path, what: str
) -> None:
    runs.mkdir()
    (tmp_path / "other.txt").write_text("no checkpoint")
    with pytest.raises(CheckpointError, match=what):
        prepare_run("monet", runs, checkpoints, resume=str(tmp_path / what))


def test_a_checkpoint_that_lies_in_no_run_makes_nothing_around_it(
    runs: Path, checkpoints: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "backup" / "step=60.ckpt"
    write_resumable({"global_step": 60}, copy)
    with contextlib.suppress(CheckpointError):  # either it is refused, or there is a new folder
        assert prepare_run("monet", runs, checkpoints, resume=str(copy)).resume == copy
    assert set(tmp_path.iterdir()) <= {copy.parent, runs, checkpoints}
    assert list(copy.parent.iterdir()) == [copy]


# --- damaged checkpoints --------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["auto", "run", "folder"])
def test_a_damaged_newest_checkpoint_is_said_and_the_one_before_it_taken(
    runs: Path, checkpoints: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    before = earlier_run(runs, "20250101-000000", "step=30", "step=60")
    older, newest = (before / "resume" / f"step={step}.ckpt" for step in (30, 60))
    damage(newest)
    resume = {"auto": "auto", "run": str(before), "folder": str(before / "resume")}[how]
    run = prepare_run("monet", runs, checkpoints, resume=resume)
    assert run.resume == older
    assert run.folder == before
    said, resuming = capsys.readouterr().out.splitlines()
    assert said.startswith(f"{newest} is damaged")
    assert said.endswith(f"going on from {older}")
    assert resuming == f"resuming from {older}"
    assert newest.exists()


def test_auto_passes_over_a_run_without_a_whole_checkpoint(
    runs: Path, checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = earlier_run(runs, "20250101-000000", "step=90", age=48)
    earlier_run(runs, "20250101-120000", "step=95", age=36, finished=True)
    lost = earlier_run(runs, "20250102-000000", "step=30", "step=60", age=24)
    for path in (lost / "resume").iterdir():
        damage(path)
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume == before / "resume" / "step=90.ckpt"
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4  # two checkpoints, their run, and from where it goes on
    assert lines[2].startswith(f"{lost} can't be resumed")


def test_auto_starts_anew_where_nothing_is_whole(
    runs: Path, checkpoints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = earlier_run(runs, "20250102-000000", "step=30")
    damage(lost / "resume" / "step=30.ckpt")
    run = prepare_run("monet", runs, checkpoints, resume="auto")
    assert run.resume is None
    assert run.folder != lost
    output = capsys.readouterr().out
    assert "step=30.ckpt is damaged" in output
    assert "starting anew" in output


@pytest.mark.parametrize("what", ["", "resume", "resume/step=60.ckpt"])
def test_a_path_without_a_whole_checkpoint_is_one_line_and_makes_nothing(
    runs: Path, checkpoints: Path, what: str
) -> None:
    earlier_run(runs, "20250101-000000", "step=90")
    lost = earlier_run(runs, "20250102-000000", "step=30", "step=60")
    for path in (lost / "resume").iterdir():
        damage(path)
    with pytest.raises(CheckpointError, match=str(lost / what)) as caught:
        prepare_run("monet", runs, checkpoints, resume=str(lost / what))
    assert "\n" not in str(caught.value)
    says = "is damaged" if what.endswith("ckpt") else "none of its checkpoints is whole"
    assert says in str(caught.value)
    assert not checkpoints.exists()


def test_a_damaged_checkpoint_given_by_name_is_not_replaced_by_another(
    runs: Path, checkpoints: Path
) -> None:
    before = earlier_run(runs, "20250101-000000", "step=30", "step=60")
    damage(before / "resume" / "step=60.ckpt")
    with pytest.raises(CheckpointError, match="damaged"):
        prepare_run("monet", runs, checkpoints, resume=str(before / "resume/step=60.ckpt"))


def test_what_a_killed_write_left_is_removed_from_the_resumed_run_alone(
    runs: Path, checkpoints: Path
) -> None:
    before = earlier_run(runs, "20250101-000000", "step=30")
    left = before / "resume" / ".fst.abcd1234.tmp"
    others = [before / ".fst.a.tmp", before / "resume" / "notes.tmp"]
    for path in (left, *others):
        path.write_bytes(b"half a checkpoint")
    prepare_run("monet", runs, checkpoints)
    assert left.exists()
    prepare_run("monet", runs, checkpoints, resume="auto")
    assert not left.exists()
    assert all(path.exists() for path in others)


# --- the further processes of a run on many devices ----------------------------------------------


def snapshot(folder: Path) -> dict[Path, bytes | None]:
    return {p: p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("resume", [None, "auto"])
def test_a_further_process_of_a_new_run_makes_and_says_nothing(
    runs: Path,
    checkpoints: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    resume: str | None,
) -> None:
    run = prepare_run("monet", runs, checkpoints, resume, writes=False)
    assert run.folder.parent == runs / "monet"
    assert run.output == checkpoints / "monet.safetensors"
    assert run.resume is None
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("how", ["auto", "path"])
def test_a_further_process_finds_the_same_checkpoint(
    runs: Path, checkpoints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    earlier_run(runs, "20250101-000000", "step=90", age=48)
    newest = earlier_run(runs, "20250102-000000", "step=30", "step=60", age=24)
    damage(newest / "resume" / "step=60.ckpt")
    (newest / "resume" / ".fst.left.tmp").write_bytes(b"half a checkpoint")
    resume = "auto" if how == "auto" else str(newest)
    before = snapshot(tmp_path)
    further = prepare_run("monet", runs, checkpoints, resume, writes=False)
    assert snapshot(tmp_path) == before
    assert capsys.readouterr() == ("", "")
    assert further == prepare_run("monet", runs, checkpoints, resume)
    assert further.resume == newest / "resume" / "step=30.ckpt"


def test_a_further_process_does_not_try_what_it_need_not_write(
    runs: Path, checkpoints: Path
) -> None:
    checkpoints.write_text("a file where the folder should be")
    assert prepare_run("monet", runs, checkpoints, writes=False).resume is None


@pytest.mark.parametrize("writes", [True, False])
def test_every_process_refuses_alike(runs: Path, checkpoints: Path, writes: bool) -> None:
    with pytest.raises(InputError, match=r"style\.name"):
        prepare_run("../up", runs, checkpoints, writes=writes)
    with pytest.raises(CheckpointError, match="nothing to resume"):
        prepare_run("monet", runs, checkpoints, resume=str(runs), writes=writes)
    checkpoints.mkdir()
    (checkpoints / "monet.safetensors").write_bytes(b"weeks of work")
    with pytest.raises(InputError, match="overwrite=true"):
        prepare_run("monet", runs, checkpoints, writes=writes)


# --- finishing -----------------------------------------------------------------------------------


@pytest.fixture
def style() -> TrainedStyle:
    net = {"name": "johnson", "arguments": {"width": 2, "residual_blocks": 0}}
    torch.manual_seed(0)
    return TrainedStyle(make_net(**net), {"net": net, "style": {"name": "monet"}})


def weights(path: Path) -> torch.Tensor:
    return torch.cat([w.flatten() for w in load_checkpoint(path).net.state_dict().values()])


@pytest.fixture
def run(runs: Path, checkpoints: Path) -> Run:
    return prepare_run("monet", runs, checkpoints)


def test_the_result_lies_in_the_runs_folder_and_among_the_styles(
    run: Run, style: TrainedStyle
) -> None:
    assert finish(run, style, overwrite=False) == run.output
    expected = torch.cat([w.flatten() for w in style.net.state_dict().values()])
    for path in (run.output, run.folder / "monet.safetensors"):
        torch.testing.assert_close(weights(path), expected, rtol=1e-3, atol=1e-4)
        assert load_checkpoint(path).name == "monet"


def test_a_run_that_is_killed_between_its_two_results_is_resumed(
    run: Run, style: TrainedStyle, runs: Path, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_resumable({"global_step": 100}, run.checkpoints / "step=100.ckpt")
    save = runs_module.save_checkpoint

    def killed(path: Path, style: TrainedStyle) -> None:
        if path == run.output:
            raise KeyboardInterrupt
        save(path, style)

    monkeypatch.setattr(runs_module, "save_checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        finish(run, style, overwrite=False)
    monkeypatch.setattr(runs_module, "save_checkpoint", save)
    again = prepare_run("monet", runs, checkpoints, resume="auto")
    assert (again.folder, again.resume) == (run.folder, run.checkpoints / "step=100.ckpt")
    finish(again, style, overwrite=False)
    assert sorted(path.name for path in run.folder.glob("monet*")) == ["monet.safetensors"]
    assert load_checkpoint(run.output).name == "monet"


def test_a_style_that_appeared_meanwhile_stays_and_the_result_is_kept(
    run: Run, style: TrainedStyle
) -> None:
    run.output.write_bytes(b"somebody else's")
    with pytest.raises(InputError, match=str(run.folder)):
        finish(run, style, overwrite=False)
    assert run.output.read_bytes() == b"somebody else's"
    assert load_checkpoint(run.folder / "monet.safetensors").name == "monet"


def test_with_overwrite_the_old_style_is_replaced(run: Run, style: TrainedStyle) -> None:
    run.output.write_bytes(b"the old one")
    finish(run, style, overwrite=True)
    assert load_checkpoint(run.output).name == "monet"


@pytest.mark.parametrize("room", [0, 1000])  # bytes: refused on opening, or halfway
def test_a_result_that_does_not_fit_on_the_disk_is_one_line_and_the_run_can_go_on(
    run: Run, style: TrainedStyle, runs: Path, checkpoints: Path, room: int
) -> None:
    write_resumable({"global_step": 100}, run.checkpoints / "step=100.ckpt")
    run.output.write_bytes(b"the old one")
    with largest_file(room), pytest.raises(CheckpointError) as caught:
        finish(run, style, overwrite=True)
    result = run.folder / run.output.name
    assert str(caught.value).startswith(f"can't write {result}: File too large")
    assert str(caught.value).endswith("resume=auto")
    assert "\n" not in str(caught.value)
    assert run.output.read_bytes() == b"the old one"
    assert [path.name for path in run.folder.iterdir()] == ["resume"]
    again = prepare_run("monet", runs, checkpoints, resume="auto", overwrite=True)
    assert again.resume == run.checkpoints / "step=100.ckpt"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_result_that_only_fits_into_the_runs_folder_is_said_to_be_there(
    run: Run, style: TrainedStyle, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        if target == run.output:
            raise OSError(number, os.strerror(number))
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CheckpointError) as caught:
        finish(run, style, overwrite=False)
    reason = f"{os.strerror(number)}; the result is in {run.folder}"
    assert str(caught.value) == f"can't write {run.output}: {reason}"
    assert load_checkpoint(run.folder / "monet.safetensors").name == "monet"
    assert list(run.output.parent.iterdir()) == []


def test_a_finished_run_is_not_resumed(
    run: Run, style: TrainedStyle, runs: Path, checkpoints: Path
) -> None:
    write_resumable({"global_step": 100}, run.checkpoints / "step=100.ckpt")
    finish(run, style, overwrite=False)
    again = prepare_run("monet", runs, checkpoints, resume="auto", overwrite=True)
    assert again.resume is None
    with pytest.raises(InputError, match="no run of it can be resumed"):
        prepare_run("monet", runs, checkpoints, resume="auto")


def test_a_path_with_nothing_to_resume_is_said_though_the_style_exists(
    run: Run, style: TrainedStyle, runs: Path, checkpoints: Path
) -> None:
    finish(run, style, overwrite=False)
    with pytest.raises(CheckpointError, match="nothing to resume at"):
        prepare_run("monet", runs, checkpoints, resume="nowhere")


# --- several processes ---------------------------------------------------------------------------

HOLD = """
import sys, time
from pathlib import Path
from fst.training.runs import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


class Clock:
    """The same second for all."""

    @staticmethod
    def now() -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5)


def test_runs_that_start_in_the_same_second_share_no_folder(
    runs: Path, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_module, "datetime", Clock)
    gate = threading.Barrier(20)

    def start(_: int) -> Path:
        gate.wait()
        return prepare_run("monet", runs, checkpoints).folder

    with ThreadPoolExecutor(20) as threads:
        folders = list(threads.map(start, range(20)))
    assert len(set(folders)) == 20
    assert sorted((runs / "monet").iterdir()) == sorted(folders)


def test_a_run_that_is_going_on_is_not_resumed(
    runs: Path, checkpoints: Path, tmp_path: Path, fork_server: Server
) -> None:
    older = earlier_run(runs, "20260101-000000", "step=10", age=2)
    living = earlier_run(runs, "20260102-000000", "step=20")
    leftover = living / "resume" / ".fst.abc.tmp"
    leftover.write_bytes(b"being written")
    (tmp_path / "hold.py").write_text(HOLD)
    other = fork_server.start([str(living)], tmp_path, dict(os.environ), tmp_path / "hold.py")
    while not (said := other.said()[0]):
        assert other.poll() is None
        time.sleep(0.01)
    assert said == "held\n"
    for resume in ("auto", str(living)):
        with pytest.raises(InputError, match="still being trained") as caught:
            prepare_run("monet", runs, checkpoints, resume=resume)
        assert str(living) in str(caught.value)
    assert leftover.exists()
    # others are free, and so is a new run
    assert prepare_run("monet", runs, checkpoints, resume=str(older)).resume is not None
    assert prepare_run("monet", runs, checkpoints).resume is None
    other.send_signal(signal.SIGKILL)  # however it ends, the system lets go of the lock
    other.communicate()
    assert prepare_run("monet", runs, checkpoints, resume="auto").folder == living


def test_settings_are_kept_as_yaml_names_of_any_bytes_included(run: Run) -> None:
    settings = {"style": {"name": "Müller"}, "data": {"path": "caf\udce9"}, "seed": 2}
    keep_settings(run, settings)
    text = (run.folder / "config.yaml").read_text(encoding="utf-8")
    assert "Müller" in text
    assert yaml.safe_load(text) == settings


def test_what_does_not_fit_is_refused_before_anything_is_made(
    runs: Path, checkpoints: Path, tmp_path: Path
) -> None:
    earlier = earlier_run(runs, "20260101-000000", "step=10")
    (earlier / "resume" / ".fst.left.tmp").write_bytes(b"half a checkpoint")
    before = snapshot(tmp_path)

    def refuse(content: dict[str, object]) -> None:
        assert content["global_step"] == 1
        raise CheckpointError("another net")

    with pytest.raises(CheckpointError, match="another net"):
        prepare_run("monet", runs, checkpoints, str(earlier), fits=refuse)
    assert snapshot(tmp_path) == before


def test_a_run_that_was_moved_is_known_by_its_settings(
    runs: Path, checkpoints: Path, tmp_path: Path
) -> None:
    moved = earlier_run(runs, "20260101-000000", "step=10").rename(tmp_path / "backup")
    parts = {"style": {"name": "monet", "image": "x"}, "loss": {"weights": "slim"}}
    net = {"net": {"name": "johnson", "arguments": {}}}
    (moved / "config.yaml").write_text(yaml.safe_dump(parts | net))
    run = prepare_run("monet", runs, checkpoints, resume=str(moved))
    assert (run.folder, run.resume) == (moved, moved / "resume" / "step=10.ckpt")


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_and_trained_on(
    number: int,
    runs: Path,
    checkpoints: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    earlier = earlier_run(runs, "20260101-000000", "step=10")
    monkeypatch.setattr(fcntl, "flock", refuse)
    assert prepare_run("monet", runs, checkpoints, resume="auto").folder == earlier
    assert "no locks" in capsys.readouterr().out
    monkeypatch.undo()
    assert prepare_run("monet", runs, checkpoints, resume="auto").folder == earlier


def test_a_run_of_another_style_is_not_resumed_under_this_name(
    runs: Path, checkpoints: Path
) -> None:
    theirs = earlier_run(runs, "20260101-000000", "step=10", style="poppies")
    with pytest.raises(CheckpointError, match=r"'poppies'.*'monet'.*resume="):
        prepare_run("monet", runs, checkpoints, resume=str(theirs))
    assert not (theirs / "run.lock").exists()


def test_a_finished_run_given_by_its_path_is_not_resumed(runs: Path, checkpoints: Path) -> None:
    done = earlier_run(runs, "20260101-000000", "step=10", finished=True)
    with pytest.raises(CheckpointError, match="finished") as caught:
        prepare_run("monet", runs, checkpoints, resume=str(done), overwrite=True)
    assert "init=" in str(caught.value)
