"""Videos, animations and folders of frames, each into each, through one reader and one writer."""

from collections import Counter
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.image.record import read_record, record_text
from fst.inference.video.codecs import Encoding
from fst.inference.video.sinks import open_sink
from fst.inference.video.sources import open_source

pytest.importorskip("av")

COUNT, RECORD = 5, {"format": 1, "program": "fst 0", "styles": [{"name": "monet"}]}
NAMES = ("a.gif", "a.webp", "a.png", "a.mp4", "a.webm", "frames", "more/%03d.jpg")
LOSS = {"a.gif": 6, "a.webp": 5, "a.mp4": 5, "a.webm": 8, "more/%03d.jpg": 4}
"""Mean difference, of 255, that a format may make of five different smooth pictures."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip as a folder of frames."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "source").mkdir()
    base = np.asarray(make_photo(64, 48)).astype(int)
    for number in range(COUNT):
        moved = np.roll(base, 6 * number, 1).astype(np.uint8)
        Image.fromarray(moved).save(folder / "source" / f"{number + 1}.png")
    for name in NAMES:
        parts = tmp_path_factory.mktemp("parts")
        convert(folder / "source", folder / name, parts, Fraction(10))
    return folder


def convert(source: Path, target: Path, parts: Path, rate: Fraction | None = None) -> list[str]:
    clip = open_source(source, rate=rate)
    sink = open_sink(target, clip, record=record_text(RECORD))
    segments = [parts / f"{number}{sink.suffix}" for number in range(2)]
    frames = list(clip.frames())
    sink.write_segment(segments[0], iter(frames[:3]))
    sink.write_segment(segments[1], iter(frames[3:]))
    return sink.join(segments, target)


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_has_the_frames_and_their_times(clips: Path, name: str) -> None:
    rate = Fraction(10) if "." not in name or "%" in name else None
    source = open_source(clips / name, rate=rate)
    frames = list(source.frames())
    assert [frame.time for frame in frames] == [Fraction(n, 10) for n in range(COUNT)]
    assert (source.about.width, source.about.height) == (64, 48)
    base = np.asarray(make_photo(64, 48)).astype(int)
    for number, frame in enumerate(frames):
        away = np.abs(frame.pixels - np.roll(base, 6 * number, 1))
        assert away.mean() <= LOSS.get(name, 0)


@pytest.mark.parametrize(("one", "other"), [*product(NAMES[:1], NAMES[1:]), ("a.mp4", "a.gif")])
def test_one_kind_becomes_another(clips: Path, tmp_path: Path, one: str, other: str) -> None:
    target = tmp_path / "new" / other
    target.parent.mkdir(parents=True)
    (tmp_path / "parts").mkdir()
    assert convert(clips / one, target, tmp_path / "parts") == []
    rate = Fraction(10) if "." not in other or "%" in other else None
    frames = list(open_source(target, rate=rate).frames())
    assert [frame.time for frame in frames] == [Fraction(n, 10) for n in range(COUNT)]
    first = np.asarray(make_photo(64, 48)).astype(int)
    assert np.abs(frames[0].pixels - first).mean() <= 8
    files = sorted(target.parent.glob("*.jpg")) if "%" in other else [target]
    if files[0].suffix in (".png", ".webp", ".jpg"):
        assert Counter(map(type, map(read_record, files))) == {dict: len(files)}


def test_options_of_other_kinds_are_refused(clips: Path, tmp_path: Path) -> None:
    source = open_source(clips / "a.mp4")
    for target in ("a.gif", "frames", "%d.png"):
        for encoding in (Encoding(crf=20), Encoding(codec="h264")):
            with pytest.raises(InputError, match="are for videos"):
                open_sink(tmp_path / target, source, encoding)
    for name in ("a.mp4", "a.gif"):
        with pytest.raises(InputError, match="--rate"):
            open_source(clips / name, rate=Fraction(25))


def test_a_still_picture_is_told_to_be_one(tmp_path: Path) -> None:
    for name in ("a.gif", "a.png", "a.webp", "a.jpg"):
        make_photo().save(tmp_path / name)
        with pytest.raises(InputError, match="fst stylize"):
            open_source(tmp_path / name)
