"""The folder of a painting: whose it is, and what another command finds."""

import json
from pathlib import Path

import pytest
import torch

from fst.errors import InputError
from fst.inference.video.parts import held_parts, kept_frames, remove_parts
from fst.inference.video.segments import Done, Parts

JOB = {"record": {"styles": [{"name": "m"}]}, "length": 4}


def write(parts: Parts, number: int, frames: int = 4, ended: bool = False) -> None:
    parts.unfinished(number).write_bytes(b"frames %d" % number)
    state = {"last": torch.full((2,), float(number))}
    parts.keep(number, frames, state, ended, ("a note",) if ended else ())


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with held_parts(target, ".mkv", JOB) as parts:
        assert parts.folder == tmp_path / "out.mp4.parts"
        assert parts.done() == Done()
        write(parts, 0)
        write(parts, 1)
        parts.unfinished(2).write_bytes(b"half")
    with held_parts(target, ".mkv", dict(JOB)) as parts:
        done = parts.done()
        assert (done.segments, done.frames, done.ended) == (2, 8, False)
        assert done.state is not None
        assert done.state["last"].tolist() == [1.0, 1.0]
        assert not parts.unfinished(2).exists()  # what is not whole is gone
        assert [path.read_bytes() for path in parts.paths(2)] == [b"frames 0", b"frames 1"]
        assert kept_frames(parts.folder) == 8
        write(parts, 2, frames=1, ended=True)
        assert kept_frames(parts.folder) == 9
        done = parts.done()
        assert (done.segments, done.frames, done.ended) == (3, 9, True)
        assert done.notes == ("a note",)
        remove_parts(parts)
    assert list(tmp_path.iterdir()) == []


def test_another_painting_stays_and_gets_no_part_of_this_one(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with held_parts(target, ".mkv", JOB) as parts:
        write(parts, 0)
    with held_parts(target, ".mkv", {**JOB, "length": 5}) as other:
        assert other.folder == tmp_path / "out.mp4.parts-2"
        (line,) = other.others
        assert "out.mp4.parts" in line
        assert other.done() == Done()
        write(other, 0)
    with held_parts(target, ".mkv", JOB) as parts:
        assert parts.folder == tmp_path / "out.mp4.parts"
        assert parts.done().segments == 1
        remove_parts(parts)
    with held_parts(target, ".mkv", {**JOB, "length": 5}) as other:  # also once the first is free
        assert other.folder == tmp_path / "out.mp4.parts-2"
        assert other.done().segments == 1


def test_somebody_elses_folder_of_that_name_is_not_touched(tmp_path: Path) -> None:
    (folder := tmp_path / "out.mp4.parts").mkdir()
    (folder / "mine.txt").write_text("precious")
    (tmp_path / "out.mp4.parts-2").write_text("a file")
    (tmp_path / "out.mp4.parts-3").symlink_to(folder)
    with held_parts(tmp_path / "out.mp4", ".mkv", JOB) as parts:
        assert parts.folder.name == "out.mp4.parts-4"
        parts.done()
        remove_parts(parts)
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]
    assert (tmp_path / "out.mp4.parts-2").read_text() == "a file"


def test_there_is_an_end_to_unfinished_paintings(tmp_path: Path) -> None:
    for length in range(20):
        with held_parts(tmp_path / "out.mp4", ".mkv", {**JOB, "length": length}):
            pass
    with (
        pytest.raises(InputError, match="20 unfinished"),
        held_parts(tmp_path / "out.mp4", ".mkv", {**JOB, "length": 20}),
    ):
        pass


def test_a_folder_without_a_first_line_is_taken(tmp_path: Path) -> None:
    (folder := tmp_path / "out.mp4.parts").mkdir()
    (folder / "job.lock").touch()
    (folder / ".fst.01234567.99999.0123456789abcdef.tmp").touch()
    with held_parts(tmp_path / "out.mp4", ".mkv", JOB) as parts:
        assert parts.folder == folder
        assert json.loads((folder / "job.json").read_text()) == JOB


def test_two_of_the_same_command_do_not_write_into_one_folder(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    with held_parts(target, ".mkv", JOB):
        with pytest.raises(InputError, match="another process"), held_parts(target, ".mkv", JOB):
            pass
        with held_parts(target, ".mkv", {**JOB, "length": 5}) as other:  # but another painting may
            assert other.folder.name == "out.mp4.parts-2"


def test_what_ends_before_its_first_segment_leaves_no_folder(tmp_path: Path) -> None:
    for whole in (False, True):
        with pytest.raises(KeyboardInterrupt):
            stopped(tmp_path / "out.mp4", whole)
        assert (tmp_path / "out.mp4.parts").exists() is whole


def stopped(target: Path, whole: bool) -> None:
    with held_parts(target, ".mkv", JOB) as parts:
        if whole:
            write(parts, 0)
        parts.unfinished(1).write_bytes(b"half")
        raise KeyboardInterrupt


def test_a_name_that_is_as_long_as_can_be_has_a_folder(tmp_path: Path) -> None:
    with held_parts(tmp_path / ("x" * 251 + ".mp4"), ".mkv", JOB) as parts:
        write(parts, 0)
        assert parts.done().segments == 1
