"""fst.training.unfinished: which interrupted run is meant, without a style's name, too."""

from pathlib import Path

import pytest

from fst.errors import CheckpointError, DivergedError, InputError
from fst.training.checkpoints import write_resumable
from fst.training.unfinished import FAILED, failure_noted, find_run, folder_of


def stopped(runs: Path, style: str, stamp: str, step: int = 10) -> Path:
    """A run's folder with a checkpoint."""
    folder = runs / style / stamp
    write_resumable({"global_step": step}, folder / "resume" / f"step={step}.ckpt")
    return folder


def test_auto_alone_is_the_only_unfinished_run(tmp_path: Path) -> None:
    done = stopped(tmp_path, "poppies", "20260101-000000")
    (done / "poppies.safetensors").write_bytes(b"a style")
    (tmp_path / "notes.txt").write_text("a file among the styles")
    mine = stopped(tmp_path, "my own", "20260102-000000")
    assert find_run("auto", tmp_path, None) == mine / "resume" / "step=10.ckpt"


def test_auto_alone_lists_several_unfinished_runs(tmp_path: Path) -> None:
    folders = [stopped(tmp_path, name, f"2026010{i}-000000") for i, name in enumerate("aabc")]
    with pytest.raises(InputError) as caught:
        find_run("auto", tmp_path, None)
    assert all(f"resume={folder}" in str(caught.value) for folder in folders)
    assert "4 unfinished" in str(caught.value)
    assert "\n" not in str(caught.value)


def failed(runs: Path, style: str) -> Path:
    folder = stopped(runs, style, "20260103-000000")
    with pytest.raises(DivergedError), failure_noted(folder):
        raise DivergedError("step 7 is not finite:\nlower learning_rate")
    return folder


def test_auto_alone_passes_over_a_run_that_failed(tmp_path: Path) -> None:
    mine, other = stopped(tmp_path, "mine", "20260102-000000"), failed(tmp_path, "other")
    lines: list[str] = []
    checkpoint = find_run("auto", tmp_path, None, lines.append)
    assert checkpoint == mine / "resume" / "step=10.ckpt"
    (line,) = lines
    assert f"{other} has failed: step 7 is not finite: lower learning_rate" in line
    assert f"resume={other}" in line


def test_auto_alone_goes_on_with_a_failed_run_where_there_is_no_other(tmp_path: Path) -> None:
    mine = failed(tmp_path, "mine")
    lines: list[str] = []
    assert find_run("auto", tmp_path, None, lines.append) == mine / "resume" / "step=10.ckpt"
    assert len(lines) == 1
    assert "step 7 is not finite" in lines[0]
    failed(tmp_path, "other")
    with pytest.raises(InputError, match=r"2 failed runs.*resume="):
        find_run("auto", tmp_path, None)


def test_a_failed_run_that_is_resumed_has_not_failed(tmp_path: Path) -> None:
    mine = failed(tmp_path, "mine")
    with pytest.raises(InputError), failure_noted(mine):
        raise InputError("No space left on device: make room, then resume=auto")
    assert not (mine / FAILED).exists()


@pytest.mark.parametrize("there", [True, False])
def test_auto_alone_begins_nothing(there: bool, tmp_path: Path) -> None:
    runs = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(InputError, match=r"no unfinished run.*style=") as caught:
        find_run("auto", runs, None)
    assert str(runs) in str(caught.value)


def test_a_folder_of_runs_says_which_there_are(tmp_path: Path) -> None:
    mine = stopped(tmp_path, "mine", "20260101-000000")
    with pytest.raises(CheckpointError, match=f"resume={mine}"):
        find_run(str(mine.parent), tmp_path, None)


def test_a_run_without_a_checkpoint_says_so(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 1")
    with pytest.raises(CheckpointError, match="before its first checkpoint"):
        find_run(str(tmp_path), tmp_path, None)


def test_a_checkpoint_is_found_from_within_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = stopped(tmp_path, "mine", "20260101-000000")
    for inside in (mine, mine / "resume"):
        monkeypatch.chdir(inside)
        checkpoint = next(Path(".").rglob("*.ckpt"))
        assert folder_of(checkpoint).resolve() == mine.resolve()
    with pytest.raises(CheckpointError, match="lies in no run"):
        folder_of(tmp_path / "step=10.ckpt")
