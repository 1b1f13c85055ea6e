"""Painted frames as numbered pictures: all of them, under the right names, or no folder."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.image.record import read_record
from fst.inference.video import folder_sink
from fst.inference.video.folder import open_folder
from fst.inference.video.folder_sink import FolderSink, is_folder_target
from fst.inference.video.frames import About, Frame

RECORD = {"format": 1, "program": "fst 0", "styles": [{"name": "monet"}]}


class Clip:
    """A source of which no more than what is said of it is asked."""

    def __init__(self, variable: bool = False) -> None:
        self.path, self.notes = Path("clip.mp4"), list[str]()
        self.about = About(48, 40, Fraction(25), None, None, Fraction(1, 25), variable)

    def frames(self) -> Iterator[Frame]:
        for number in range(4):
            pixels = np.asarray(make_photo(seed=number))
            yield Frame(pixels, number, Fraction(number, 25))


def paint(sink: FolderSink, frames: Iterator[Frame], target: Path, parts: Path) -> list[str]:
    every = list(frames)
    sink.write_segment(parts / "0", iter(every[:2]))
    sink.write_segment(parts / "1", iter(every[2:]))
    return sink.join([parts / "0", parts / "1"], target)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_frames_of_a_clip_are_numbered_from_one(tmp_path: Path) -> None:
    target = tmp_path / "new" / "frames"
    sink = FolderSink(target, Clip(), record=RECORD)
    assert paint(sink, Clip().frames(), target, tmp_path / "parts") == []
    assert names(target) == [f"frame_{n:06d}.png" for n in range(1, 5)]
    for number in range(4):
        file = target / f"frame_{number + 1:06d}.png"
        with Image.open(file) as opened:
            assert np.array_equal(np.asarray(opened), np.asarray(make_photo(seed=number)))
        assert read_record(file) == RECORD
    assert names(tmp_path / "new") == ["frames"]


def test_a_pattern_names_them(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()  # empty, as FFmpeg wants it
    target = tmp_path / "out" / "%04d.jpg"
    paint(FolderSink(target, Clip()), Clip().frames(), target, tmp_path / "parts")
    assert names(tmp_path / "out") == ["0001.jpg", "0002.jpg", "0003.jpg", "0004.jpg"]
    with Image.open(tmp_path / "out" / "0003.jpg") as opened:
        assert opened.format == "JPEG"


def test_names_of_a_folder_stay_and_so_do_missing_numbers(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(98, 102):
        photo = make_photo(seed=number)
        photo.putalpha(200)
        photo.save(tmp_path / "in" / f"a{number}b.png")
    (tmp_path / "in" / "a99b.png").write_text("damaged")
    source = open_folder(tmp_path / "in")
    target = tmp_path / "out"
    paint(FolderSink(target, source), source.frames(), target, tmp_path / "parts")
    assert names(target) == ["a100b.png", "a101b.png", "a98b.png"]
    with Image.open(target / "a100b.png") as opened:
        assert opened.mode == "RGBA"
        assert opened.getpixel((0, 0))[3] == 200
    again = FolderSink(tmp_path / "out2" / "x_%d.tif", source)
    paint(again, source.frames(), tmp_path / "out2" / "x_%d.tif", tmp_path / "parts2")
    assert names(tmp_path / "out2") == ["x_100.tif", "x_101.tif", "x_98.tif"]


def test_a_kind_that_is_not_written_becomes_png(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    make_photo().save(tmp_path / "in" / "07.bmp")
    source = open_folder(tmp_path / "in")
    sink = FolderSink(tmp_path / "out", source)
    paint(sink, source.frames(), tmp_path / "out", tmp_path / "parts")
    assert names(tmp_path / "out") == ["07.png"]


def test_a_folder_with_something_in_it_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "file").touch()
    for target in ("out", "out/%d.png"):
        with pytest.raises(InputError, match="not empty"):
            FolderSink(tmp_path / target, Clip())
    with pytest.raises(InputError, match="not a folder"):
        FolderSink(tmp_path / "file", Clip())
    with pytest.raises(InputError, match=r"\.png"):
        FolderSink(tmp_path / "new" / "%d.gif", Clip())


def test_what_somebody_else_put_there_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "out"
    sink = FolderSink(target, Clip(variable=True))
    target.mkdir()
    (target / "mine.txt").write_text("mine")
    meanwhile, times = paint(sink, Clip().frames(), target, tmp_path / "parts")
    assert "out-2" in meanwhile
    assert "different times" in times
    assert names(target) == ["mine.txt"]
    assert len(names(tmp_path / "out-2")) == 4


def test_only_painted_frames_are_replaced_where_that_is_asked_for(tmp_path: Path) -> None:
    target = tmp_path / "out"
    said = {**RECORD, "clip": {"name": "clip.mp4", "sha256": "0"}}
    before = FolderSink(target, Clip(), record=said)
    paint(before, Clip().frames(), target, tmp_path / "parts")
    with pytest.raises(InputError, match="not empty"):
        FolderSink(target, Clip())
    pattern = target / "%03d.jpg"
    again = FolderSink(pattern, Clip(), record=said, replace=True)
    assert paint(again, Clip().frames(), pattern, tmp_path / "parts2") == []
    assert names(target) == ["001.jpg", "002.jpg", "003.jpg", "004.jpg"]
    (target / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="out holds more than frames"):
        FolderSink(target, Clip(), replace=True)
    # what comes later is found, too
    assert "out-2" in paint(again, Clip().frames(), pattern, tmp_path / "parts3")[0]
    assert "notes.txt" in names(target)
    (target / "notes.txt").unlink()
    make_photo().save(target / "photo.png")
    with pytest.raises(InputError, match="more than frames"):
        FolderSink(target, Clip(), replace=True)
    assert "photo.png" in names(target)
    assert not [name for name in names(tmp_path) if name.startswith(".")]


def test_where_the_new_frames_cannot_have_the_name_the_old_ones_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    said = {**RECORD, "clip": {"name": "clip.mp4", "sha256": "0"}}
    sink = FolderSink(target, Clip(), record=said, replace=True)
    paint(sink, Clip().frames(), target, tmp_path / "parts")
    before = (target / "frame_000001.png").stat().st_ino
    rename, times = Path.rename, iter(range(9))

    def failing(path: Path, new: Path) -> Path:
        if next(times) == 1:
            raise OSError(5, "Input/output error")
        return rename(path, new)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="Input/output"):
        sink.join([tmp_path / "parts" / "0", tmp_path / "parts" / "1"], target)
    assert (target / "frame_000001.png").stat().st_ino == before
    assert len(names(target)) == 4


def test_where_it_fails_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    sink = FolderSink(target, Clip())

    def full(file: Path, place: Path) -> None:
        if place.name == "frame_000003.png":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_sink, "_put", full)
    with pytest.raises(OSError, match="No space"):
        paint(sink, Clip().frames(), target, tmp_path / "parts")
    assert names(tmp_path) == ["parts"]
    assert len(names(tmp_path / "parts" / "0")) == 3  # and the segments stay


def test_what_means_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").mkdir()
    for text in ("frames", "frames/", "new.v2/", "f/%04d.png", str(tmp_path / "a.mp4")):
        assert is_folder_target(text)
    for text in ("a.mp4", "frames/a.gif", "new.v2"):
        assert not is_folder_target(text)
