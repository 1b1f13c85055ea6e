"""A clip is painted as if it had been in one go, wherever it was left."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawn_clips import Arrays, Drawn, LooksBack, negatives, pixels
from numpy.typing import NDArray

from fst.errors import InputError
from fst.image.picture import Picture
from fst.inference.video.frames import Frame
from fst.inference.video.paint import as_picture, paint_clip, with_pixels
from fst.inference.video.parts import held_parts

JOB = {"what": "ever"}


def paint(
    folder: Path,
    count: int,
    length: int = 4,
    painter: LooksBack | None = None,
    source: Drawn | None = None,
    sink: Arrays | None = None,
    on_frame: Callable[[int], None] | None = None,
) -> NDArray[np.uint8]:
    with held_parts(folder / "out.npy", ".npy", JOB) as parts:
        sink = sink or Arrays()
        segments = paint_clip(
            source or Drawn(count), sink, painter or LooksBack(), parts, length, on_frame
        )
        sink.join(segments, folder / "out.npy")
    found: NDArray[np.uint8] = np.load(folder / "out.npy")
    return found


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 11])
def test_every_frame_is_painted_once_and_in_order(tmp_path: Path, count: int) -> None:
    told: list[int] = []
    painter = LooksBack()
    found = paint(tmp_path, count, painter=painter, on_frame=told.append)
    assert (found == negatives(count)).all()
    assert told == list(range(count + 1))
    assert painter.painted == count
    segments = sorted(path.name for path in (tmp_path / "out.npy.parts").glob("*.npy"))
    assert len(segments) == -(-count // 4)


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 5, 9, 10, 11])
def test_it_goes_on_behind_the_last_whole_segment(tmp_path: Path, stop: int) -> None:
    count = 11

    def stops(frames: int) -> None:
        if frames == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paint(tmp_path, count, on_frame=stops)
    painter = LooksBack()
    told: list[int] = []
    found = paint(tmp_path, count, painter=painter, on_frame=told.append)
    assert (found == negatives(count)).all()
    assert told[0] % 4 == 0
    assert painter.painted == count - told[0]
    # no more than the running segment, and what was on its way, is painted twice
    assert told[0] >= (stop // 4 - 1) * 4


def test_what_is_all_painted_is_not_decoded_again(tmp_path: Path) -> None:
    paint(tmp_path, 6)
    source, painter = Drawn(6), LooksBack()
    assert (paint(tmp_path, 6, painter=painter, source=source) == negatives(6)).all()
    assert (source.began, painter.painted) == (0, 0)
    assert source.notes == ["read to the end"]  # what was found then is told now


def test_a_full_disk_keeps_what_is_painted(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        paint(tmp_path, 11, sink=Arrays(full=6))
    painter = LooksBack()
    assert (paint(tmp_path, 11, painter=painter) == negatives(11)).all()
    assert painter.painted == 7


def test_a_source_that_breaks_keeps_what_is_painted(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output"):
        paint(tmp_path, 11, source=Drawn(11, fails=9))
    assert (paint(tmp_path, 11) == negatives(11)).all()


def test_a_painter_that_fails_is_heard(tmp_path: Path) -> None:
    class Fails(LooksBack):
        def __call__(self, picture: Picture) -> Picture:
            if self.painted == 5:
                raise InputError("no memory")
            return super().__call__(picture)

    with pytest.raises(InputError, match="no memory"):
        paint(tmp_path, 11, painter=Fails())
    assert (paint(tmp_path, 11) == negatives(11)).all()


def test_without_what_was_remembered_it_goes_on_and_says_so(tmp_path: Path) -> None:
    def stops(frames: int) -> None:
        if frames == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        paint(tmp_path, 12, on_frame=stops)
    for state in (tmp_path / "out.npy.parts").glob("*.safetensors"):
        state.write_bytes(b"damaged")
    source = Drawn(12)
    found = paint(tmp_path, 12, source=source)
    assert (found[:4] == negatives(12)[:4]).all()
    assert len(found) == 12
    assert any("begins anew" in note for note in source.notes)


def test_no_frames_are_a_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"drawn\.mp4"):
        paint(tmp_path, 0)


def test_a_frame_is_a_picture_and_back_to_the_bit() -> None:
    frame = Frame(pixels(3), 3, Fraction(1, 3))
    picture = as_picture(frame)
    assert picture.size == (32, 24)
    again = with_pixels(frame, picture)
    assert (again.pixels == frame.pixels).all()
    assert (again.time, again.alpha) == (Fraction(1, 3), None)


def test_alpha_goes_along_at_any_size() -> None:
    alpha = np.full((24, 32), 255, np.uint8)
    alpha[:, :16] = 0
    frame = Frame(pixels(0), 0, Fraction(0), alpha=alpha)
    picture = as_picture(frame)
    assert picture.alpha is not None
    again = with_pixels(frame, picture)
    assert again.alpha is not None
    assert (again.alpha == alpha).all()
    half = Picture(picture.rgb[..., ::2, ::2], picture.alpha[..., ::2, ::2])
    small = with_pixels(frame, half)
    assert small.alpha is not None
    assert small.alpha.shape == small.pixels.shape[:2] == (12, 16)
