"""Animations from painted frames: what other programs read of them is what was painted."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import make_photo

from fst.errors import InputError
from fst.image.record import read_record
from fst.inference.video.animation import open_animation, read_headers
from fst.inference.video.animation_sink import AnimationSink, paced
from fst.inference.video.frames import About, Frame
from fst.inference.video.stills import Still

RECORD = {"format": 1, "program": "fst 0", "styles": [{"name": "monet"}]}


class Clip:
    """A source of which no more than what is said of it is asked."""

    def __init__(self, kind: str = "video", **details: object) -> None:
        self.path, self.notes = Path("clip"), list[str]()
        fps = Fraction(25)
        self.about = About(48, 40, fps, None, None, 1 / fps, kind=kind, details=details)

    def frames(self) -> Iterator[Frame]:
        raise AssertionError


def frames(
    count: int, step: Fraction = Fraction(1, 10), alpha: Sequence[int | None] = ()
) -> Iterator[Frame]:
    for number in range(count):
        pixels = np.asarray(make_photo(seed=number))
        hole = None
        if number < len(alpha) and (value := alpha[number]) is not None:
            hole = np.full(pixels.shape[:2], 255, np.uint8)
            hole[:10] = value
        yield Frame(pixels, number, number * step, step, hole)


def made(target: Path, painted: Iterator[Frame], clip: Clip | None = None) -> list[str]:
    """Writes an animation of two segments."""
    sink = AnimationSink(target, clip or Clip(), record=RECORD)
    assert sink.suffix == ""
    every = list(painted)
    segments = [target.parent / "part 0", target.parent / "part 1"]
    sink.write_segment(segments[0], iter(every[:2]))
    sink.write_segment(segments[1], iter(every[2:]))
    return sink.join(segments, target)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".apng"])
def test_pil_reads_what_was_painted(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    assert made(target, frames(5)) == []
    with Image.open(target) as opened:
        assert opened.n_frames == 5
        assert opened.size == (48, 40)
        assert opened.info["loop"] == 0
        for number in range(5):
            opened.seek(number)
            found = np.asarray(opened.convert("RGB")).astype(int)
            assert opened.info["duration"] == 100
            away = np.abs(found - np.asarray(make_photo(seed=number)))
            assert away.mean() <= {".gif": 9, ".webp": 4}.get(suffix, 0)
    if suffix != ".gif":
        assert read_record(target) == RECORD
    else:
        assert b"Painted in the style monet by fst 0" in target.read_bytes()


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_holes_stay_holes(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a{suffix}"
    made(target, frames(4, alpha=(0, None, 0, 255)))
    for frame, top in zip(open_animation(target).frames(), (0, 255, 0, 255), strict=True):
        alpha = frame.alpha if frame.alpha is not None else np.full((40, 48), 255)
        assert alpha[:10].tolist() == [[top] * 48] * 10
        assert bool((alpha[10:] == 255).all())


def test_black_is_not_taken_for_a_hole(tmp_path: Path) -> None:
    target = tmp_path / "a.gif"
    dark = np.random.default_rng(0).integers(0, 256, (40, 48, 3), np.uint8)
    dark[20:] = 0
    hole = np.full((40, 48), 255, np.uint8)
    hole[0, 0] = 0
    made(target, (Frame(dark + 0, n, Fraction(n, 10), None, hole) for n in range(3)))
    frame = next(open_animation(target).frames())
    assert frame.alpha is not None
    assert int((frame.alpha == 0).sum()) == 1
    assert int(frame.pixels[20:].max()) <= 2


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
@pytest.mark.parametrize("plays", [0, 1, 3])
def test_it_is_played_as_often_as_the_source(tmp_path: Path, suffix: str, plays: int) -> None:
    target = tmp_path / f"a{suffix}"
    made(target, frames(3), Clip("animation", plays=plays))
    headers = read_headers(target)
    assert headers is not None
    assert headers.plays == plays


def test_delays_add_up(tmp_path: Path) -> None:
    step = Fraction(1001, 30_000)  # 3.34 hundredths
    for suffix, ticks in ((".gif", 100), (".webp", 1000)):
        target = tmp_path / f"a{suffix}"
        assert made(target, frames(12, step)) == []
        headers = read_headers(target)
        assert headers is not None
        ends = [sum(headers.delays[: n + 1]) for n in range(12)]
        assert all(
            abs(end - (n + 1) * step) <= Fraction(1, 2 * ticks) for n, end in enumerate(ends)
        )
    target = tmp_path / "a.png"
    made(target, frames(12, step))
    headers = read_headers(target)
    assert headers is not None
    assert headers.delays == (step,) * 12


def test_delays_that_viewers_show_otherwise_stay_what_they_were(tmp_path: Path) -> None:
    said = [Fraction(n, 100) for n in (0, 1, 2, 10)]
    shown = [Fraction(n, 100) for n in (10, 10, 2, 10)]
    painted = [
        Frame(one.pixels, one.number, sum(shown[: one.number], Fraction(0)), shown[one.number])
        for one in frames(4)
    ]
    clip = Clip("animation", plays=0, format="GIF", delays=said)
    for suffix, wanted in ((".gif", said), (".png", shown)):
        made(target := tmp_path / f"a{suffix}", iter(painted), clip)
        headers = read_headers(target)
        assert headers is not None
        assert list(headers.delays) == wanted


def test_frames_that_are_alike_stay_apart(tmp_path: Path) -> None:
    for suffix in (".gif", ".png"):
        target = tmp_path / f"a{suffix}"
        first = next(frames(1))
        made(target, (Frame(first.pixels, n, Fraction(n, 10)) for n in range(4)))
        found = list(open_animation(target).frames())
        assert len(found) == 4
        assert all(np.array_equal(frame.pixels, found[0].pixels) for frame in found)


def test_more_frames_than_viewers_show_are_left_out_and_said(tmp_path: Path) -> None:
    target = tmp_path / "a.gif"
    (line,) = made(target, frames(12, Fraction(1, 100)))
    assert "6 of 12 frames" in line
    assert "50 a second" in line
    headers = read_headers(target)
    assert headers is not None
    assert headers.delays == (Fraction(2, 100),) * 6


def test_pacing_by_hand() -> None:
    stills = [Still(Path(), n, Fraction(t, 1000), None) for n, t in enumerate([0, 7, 14, 30, 31])]
    kept, delays = paced(stills, Fraction(1, 100), Fraction(2, 100))
    assert [still.number for still in kept] == [0, 3]
    # the last one ends at 31 + 31/4 ms, 0.04 s, and is shown no shorter than is obeyed
    assert delays == [Fraction(3, 100), Fraction(2, 100)]


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.gif, \.webp"):
        AnimationSink(tmp_path / "a.bmp", Clip())
    with pytest.raises(InputError, match="quality"):
        AnimationSink(tmp_path / "a.webp", Clip(), quality=0)
    wide = Frame(np.zeros((1, 20_000, 3), np.uint8), 0, Fraction(0))
    with pytest.raises(InputError, match="16,383"):
        AnimationSink(tmp_path / "a.webp", Clip()).write_segment(tmp_path / "part", [wide])


def test_nothing_half_written_stays(tmp_path: Path) -> None:
    sink = AnimationSink(tmp_path / "a.gif", Clip())
    sink.write_segment(tmp_path / "part", frames(3))
    (tmp_path / "part" / "00000002.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match="identify"):
        sink.join([tmp_path / "part"], tmp_path / "a.gif")
    assert [path.name for path in tmp_path.iterdir()] == ["part"]
