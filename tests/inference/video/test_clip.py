from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from tiny_clips import moving, psnr, write_clip

from fst.errors import InputError
from fst.inference.video.clip import Clip
from fst.inference.video.colors import Colors

ONE = 1 << 16


def test_frames_and_times_are_those_of_the_file(tmp_path: Path) -> None:
    frames = moving(7, 47, 33)
    times = [4500, 8400, 12000, 12001, 20000, 30303, 40404]
    tick = Fraction(1, 90_000)
    path = write_clip(tmp_path / "a.mp4", frames, times, tick, options={"qp": "0", "bf": "2"})
    clip = Clip(path)
    read = list(clip.frames())
    assert [one.time for one in read] == [one * tick for one in times]
    assert [one.number for one in read] == list(range(7))
    assert min(psnr(a.pixels, b) for a, b in zip(read, frames, strict=True)) > 40
    assert (clip.about.width, clip.about.height, clip.about.frames) == (47, 33, 7)
    assert clip.about.variable
    assert clip.about.time_base == tick
    assert clip.notes == []


def test_the_same_frames_at_every_call(tmp_path: Path) -> None:
    clip = Clip(write_clip(tmp_path / "a.mp4", moving(5)))
    first, again = list(clip.frames()), list(clip.frames())
    assert [one.time for one in first] == [one.time for one in again]
    assert all((a.pixels == b.pixels).all() for a, b in zip(first, again, strict=True))
    assert clip.about.rate == 25
    assert not clip.about.variable
    assert first[-1].duration == Fraction(1, 25)


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        ((0, ONE, -ONE, 0), lambda one: np.rot90(one, -1)),
        ((-ONE, 0, 0, -ONE), lambda one: np.rot90(one, 2)),
        ((0, -ONE, ONE, 0), np.rot90),
        ((-ONE, 0, 0, ONE), np.fliplr),
    ],
)
def test_frames_are_upright(tmp_path: Path, matrix: tuple[int, ...], turned: object) -> None:
    assert callable(turned)
    a, b, c, d = matrix
    frames = moving(2, 48, 32)
    path = write_clip(
        tmp_path / "a.mov",
        frames,
        matrix=(a, b, 0, c, d, 0, 0, 0, 1 << 30),
        aspect=Fraction(4, 3),
    )
    clip = Clip(path)
    upright = [turned(one) for one in frames]
    assert (clip.about.height, clip.about.width) == upright[0].shape[:2]
    assert min(psnr(a.pixels, b) for a, b in zip(clip.frames(), upright, strict=True)) > 40
    aspect = clip.about.details["pixel_aspect"]
    assert aspect == (Fraction(3, 4) if clip.about.width == 32 else Fraction(4, 3))


def test_an_odd_angle_is_said(tmp_path: Path) -> None:
    matrix = (46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30)
    clip = Clip(write_clip(tmp_path / "a.mov", moving(2), matrix=matrix))
    assert len(clip.notes) == 1
    assert "45 degrees" in clip.notes[0]


def test_colors_are_read_as_the_file_says(tmp_path: Path) -> None:
    frames = moving(2)
    for matrix, reach in ((1, 1), (6, 1), (1, 2)):
        colors = {
            "colorspace": matrix,
            "color_range": reach,
            "color_primaries": 1,
            "color_trc": 1,
        }
        clip = Clip(write_clip(tmp_path / "a.mp4", frames, colors=colors))
        assert clip.about.details["colors"] == Colors(matrix, reach, 1, 1)
        first = next(iter(clip.frames())).pixels
        assert psnr(first, frames[0]) > 40
        # FFmpeg's way to full range rounds chroma down
        bias = np.abs((first.astype(float) - frames[0]).mean((0, 1))).max()
        assert bias < (0.2 if reach == 1 else 1)


def test_times_of_broadcasts_start_at_zero(tmp_path: Path) -> None:
    times = [900_000 + 3600 * one for one in range(4)]
    tick = Fraction(1, 90_000)
    clip = Clip(write_clip(tmp_path / "a.ts", moving(4), times, tick))
    assert [one.time for one in clip.frames()] == [Fraction(one, 25) for one in range(4)]
    assert clip.about.details["start"] == 10


def test_a_tail_that_is_missing_is_said_once(tmp_path: Path) -> None:
    path = write_clip(
        tmp_path / "a.mp4",
        [np.random.default_rng(one).integers(0, 256, (32, 48, 3), np.uint8) for one in range(50)],
        container_options={"movflags": "faststart"},
    )
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    clip = Clip(path)
    count = len(list(clip.frames()))
    assert 20 < count < 30
    assert len(list(clip.frames())) == count
    said = [note for note in clip.notes if "of 2.0 s" in note]
    assert len(said) == 1
    assert str(path) in said[0]
    assert clip.about.frames == 50


def test_the_best_of_several_videos_is_painted_and_said(assets_folder: Path) -> None:
    clip = Clip(assets_folder / "videos" / "nasa_two_streams.mp4")
    assert (clip.about.width, clip.about.height) == (480, 270)
    assert len(clip.notes) == 1
    assert "320x180" in clip.notes[0]


def refused(path: Path, max_pixels: int = 10_000) -> str:
    with pytest.raises(InputError) as caught:
        Clip(path, max_pixels)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_what_can_not_be_painted_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(2))
    assert "48x32" in refused(path, 1535)
    assert Clip(path, 1536).about.frames == 2
    key = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    path = write_clip(tmp_path / "b.mp4", moving(2), container_options=key)
    assert "encrypted" in refused(path)


def test_sound_alone_is_no_video(assets_folder: Path) -> None:
    assert "only sound" in refused(assets_folder / "videos" / "sound_only.m4a")
