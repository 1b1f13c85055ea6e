"""fst.inference.animated: iterates of any size become the frames of one clip."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fst.errors import InputError
from fst.image.record import read_record
from fst.inference.animated import IterateClip, check_clip, distance, frame_size
from fst.inference.video.record import read_clip_record
from fst.inference.video.sources import open_source


def gray(value: float, height: int = 20, width: int = 24) -> torch.Tensor:
    return torch.full((1, 3, height, width), value)


def clip(folder: Path, count: int = 5, first: int = 0) -> IterateClip:
    (folder / "frames").mkdir(exist_ok=True)
    made = IterateClip(folder / "frames", (24, 20))
    for number in range(first, count):
        # at first they are small, and perhaps out of range
        made.add(3 * number, gray(-0.2 + 0.35 * number, *((10, 12) if number == 0 else (20, 24))))
    return made


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.mp4", "a.mkv", "a.webm"])
def test_a_clip_shows_the_iterates_in_order(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    assert clip(tmp_path).write(target, False, None) == []
    source = open_source(target)
    frames = list(source.frames())
    assert [frame.pixels.shape for frame in frames] == [(20, 24, 3)] * 5
    means = [float(frame.pixels.mean()) / 255 for frame in frames]
    assert means == pytest.approx([0, 0.15, 0.5, 0.85, 1], abs=0.03)
    # four frames a second, and the last one, which is the result, stays
    assert [frame.time for frame in frames] == [Fraction(i, 4) for i in range(5)]
    assert [path.name for path in (tmp_path / "frames").iterdir() if path.suffix != ".png"] == []


def test_many_frames_pass_quickly(tmp_path: Path) -> None:
    clip(tmp_path, 300).write(tmp_path / "a.gif", False, None)
    with Image.open(tmp_path / "a.gif") as opened:
        opened.seek(5)
        assert opened.info["duration"] == 40  # 25 a second


def test_a_clip_says_how_it_was_painted(tmp_path: Path) -> None:
    record = {"format": 1, "program": "fst", "styles": [{"name": "m"}], "iteration": 12}
    made = clip(tmp_path)
    for name in ("a.webp", "a.png"):
        made.write(tmp_path / name, False, record)
        assert read_record(tmp_path / name) == record
    made.write(tmp_path / "a.mp4", False, {**record, "clip": {}})
    assert read_clip_record(tmp_path / "a.mp4") is not None


def test_who_goes_on_forgets_the_frames_of_later(tmp_path: Path) -> None:
    made = clip(tmp_path, 5)
    before = sorted(path.name for path in (tmp_path / "frames").iterdir())
    made.drop_behind(7)
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == before[:3]
    clip(tmp_path, 5, first=3)
    assert sorted(path.name for path in (tmp_path / "frames").iterdir()) == before


def test_what_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.gif").write_text("mine")
    with pytest.raises(InputError, match="there already"):
        clip(tmp_path).write(tmp_path / "a.gif", False, None)
    assert (tmp_path / "a.gif").read_text() == "mine"
    clip(tmp_path).write(tmp_path / "a.gif", True, None)
    with Image.open(tmp_path / "a.gif") as opened:
        assert np.asarray(opened.convert("RGB")).shape == (20, 24, 3)


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.avi", "frames/%04d.jpg", "frames/%04d.png"])
def test_what_is_no_clip_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"--animate.*\.mp4.*\.gif"):
        check_clip("--animate", Path(name))


def test_a_clip_has_some_ten_seconds_at_most() -> None:
    for iterations in (1, 50, 240, 241, 500, 2500, 100_000):
        frames = iterations // distance(iterations) + 2  # the first and the last
        assert frames <= 250
    assert distance(240) == 1
    assert distance(2500) == 11


def test_frames_of_large_pictures_are_smaller() -> None:
    assert frame_size(300, 200) == (300, 200)
    assert frame_size(4000, 2000) == (1024, 512)
    assert frame_size(5000, 1) == (1024, 1)
