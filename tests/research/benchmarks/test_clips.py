"""Clips to measure with: frames of files, and windows over photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.evaluation.warping import mean_warping_error
from fst.research.benchmarks.clips import find_clips, read_clip, windows


def write_clip(path: Path, pictures: list[Image.Image]) -> Path:
    """A clip of these frames, without loss."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "bgr0"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def scenes() -> list[Image.Image]:
    return [make_photo(64, 48, seed) for seed in (0, 0, 0, 7, 7, 7)]


def test_frames_are_those_of_the_file(tmp_path: Path) -> None:
    clip = read_clip(write_clip(tmp_path / "one.mkv", scenes()), 5, 1, 64)
    assert len(clip.frames) == 5
    for frame, picture in zip(clip.frames, scenes()[1:], strict=True):
        off = frame[0].permute(1, 2, 0).numpy() * 255 - np.asarray(picture)
        assert np.abs(off).max() < 0.01
    assert clip.name == "one"


def test_a_cut_is_left_out_of_the_motion(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    clip = read_clip(write_clip(tmp_path / "two.mkv", scenes()), 6, 0, 64)
    assert [move is None for move in clip.moves] == [False, False, True, False, False]
    assert mean_warping_error(clip.frames, clip.moves) == pytest.approx(0, abs=1e-9)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("av")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        read_clip(tmp_path / "notes.txt", 5, 0, 64)
    short = write_clip(tmp_path / "short.mkv", scenes()[:3])
    with pytest.raises(InputError, match=r"short\.mkv has 3 frames"):
        read_clip(short, 5, 0, 64)


def test_files_and_folders_of_clips(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    files = [tmp_path / "folder" / name for name in ("a.mp4", "b.mp4")]
    for file in files:
        file.touch()
    assert find_clips([files[1], tmp_path / "folder"]) == [files[1], files[0]]
    for place in ("nowhere", "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InputError, match=place):
            find_clips([tmp_path / place])


def test_windows_over_a_photo(tmp_path: Path) -> None:
    make_photo(160, 128).save(tmp_path / "sea.png")
    clips = windows(tmp_path / "sea.png", 5, 96)
    assert [clip.name for clip in clips] == ["sea, pan", "sea, zoom", "sea, turn"]
    for clip in clips:
        assert {tuple(frame.shape) for frame in clip.frames} == {(1, 3, 76, 96)}
        assert mean_warping_error(clip.frames, clip.moves) < 1e-5
