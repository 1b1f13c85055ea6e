"""Segments: how long they are, and which of them are whole."""

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from fst.inference.video.frames import About
from fst.inference.video.parts import held_parts, kept_frames
from fst.inference.video.segments import Parts, segment_length

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
