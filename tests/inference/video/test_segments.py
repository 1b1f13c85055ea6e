"""The folder of parts: whose it is, what is whole in it, and what another command finds."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from tiny_clips import Drawn

from fst.errors import InputError
from fst.inference.video.frames import About
from fst.inference.video.segments import (
    Done,
    Parts,
    held_parts,
    kept_frames,
    remove_parts,
    segment_length,
)

JOB = {"record": {"styles": [{"name": "m"}]}, "length": 4}


def write(parts: Parts, number: int, frames: int = 4, ended: bool = False) -> None:
    parts.unfinished(number).write_bytes(b"frames %d" % number)
    state = {"last": torch.full((2,), float(number))}
    parts.keep(number, frames, state, ended, ("a note",) if ended else ())


def about(rate: Fraction) -> About:
    return About(640, 360, rate, None, None, Fraction(1, 1000))


def test_a_segment_has_four_seconds_or_a_minutes_work_and_a_second_at_least() -> None:
    assert segment_length(about(Fraction(25)), 640 * 360) == 100
    assert segment_length(about(Fraction(30000, 1001)), 640 * 360) == 120
    assert segment_length(about(Fraction(25)), 1280 * 720) == 32  # 30 million pixels
    assert segment_length(about(Fraction(25)), 3840 * 2160) == 25
    assert segment_length(about(Fraction(1, 10)), 100) == 4
    assert segment_length(about(Fraction(1000)), 100) == 240  # a rate that some files make up


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


def test_only_the_last_segments_state_is_kept(tmp_path: Path) -> None:
    with held_parts(tmp_path / "out.mp4", ".mkv", JOB) as parts:
        for number in range(5):
            write(parts, number)
        states = [path.name for path in parts.folder.glob("*.safetensors")]
        assert states == ["000004.safetensors"]


@pytest.mark.parametrize("lost", ["000001.mkv", "000001.json"])
def test_behind_a_segment_that_is_missing_nothing_counts(tmp_path: Path, lost: str) -> None:
    with held_parts(tmp_path / "out.mp4", ".mkv", JOB) as parts:
        for number in range(3):
            write(parts, number)
        (parts.folder / lost).unlink()
        done = parts.done()
        # painted hours are not thrown away for want of what was remembered: that is said
        assert (done.segments, done.frames, done.state) == (1, 4, None)
        assert not parts.path(2).exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"frames": "4"}', b'{"frames": 0}'])
def test_a_damaged_line_on_a_segment_ends_what_is_whole(tmp_path: Path, content: bytes) -> None:
    with held_parts(tmp_path / "out.mp4", ".mkv", JOB) as parts:
        write(parts, 0)
        write(parts, 1)
        (parts.folder / "000001.json").write_bytes(content)
        assert parts.done().segments == 1


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


def test_a_name_that_is_as_long_as_can_be_has_a_folder(tmp_path: Path) -> None:
    with held_parts(tmp_path / ("x" * 251 + ".mp4"), ".mkv", JOB) as parts:
        write(parts, 0)
        assert parts.done().segments == 1


def test_folders_are_segments_too(tmp_path: Path) -> None:
    with held_parts(tmp_path / "out.gif", "", JOB) as parts:
        for number in range(2):
            parts.unfinished(number).mkdir()
            (parts.unfinished(number) / "frame.png").touch()
            parts.keep(number, 3, {}, False)
        parts.unfinished(2).mkdir()
        assert parts.done().frames == 6
        assert kept_frames(parts.folder) == 6
        assert not parts.unfinished(2).exists()


def test_drawn_clips_are_those_that_are_meant() -> None:
    assert [frame.number for frame in Drawn(3).frames()] == [0, 1, 2]
