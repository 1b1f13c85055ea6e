"""Chapters of a source, and what is attached to it."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from fst.inference.video.chapters import carry_attachments, carry_chapters, chapters_of

TICK = Fraction(1, 1000)


def chapter(begin: int, end: int, title: str, tick: Fraction | None = TICK, **tags: str) -> Any:
    return {
        "id": 7,
        "start": begin,
        "end": end,
        "time_base": tick,
        "metadata": {"title": title, **tags},
    }


def told(chapters: list[Any]) -> list[tuple[float, float, str]]:
    return [
        (
            float(one["start"] * one["time_base"]),
            float(one["end"] * one["time_base"]),
            one["metadata"]["title"],
        )
        for one in chapters
    ]


def test_those_of_a_piece_begin_and_end_with_it() -> None:
    chapters = [
        chapter(0, 1000, "before"),
        chapter(1000, 2500, "begins before"),
        chapter(2500, 3000, "within"),
        chapter(3000, 9000, "ends later"),
        chapter(9000, 9500, "later"),
    ]
    found = chapters_of(chapters, Fraction(2), Fraction(5, 2))
    assert told(found) == [
        (0, 0.5, "begins before"),
        (0.5, 1, "within"),
        (1, 2.5, "ends later"),
    ]
    assert told(chapters_of(chapters, Fraction(0), Fraction(20))) == told(chapters)


def test_times_are_exact_whatever_they_are_counted_in() -> None:
    (seconds, finer) = chapters_of(
        [chapter(3_500_000_001, 6 * 10**9, "ns", Fraction(1, 10**9)), chapter(1, 3, "s", 1)],
        Fraction(1, 4),
        Fraction(100),
    )
    assert told([seconds]) == [(0.75, 2.75, "s")]  # in the order of time
    assert finer["start"] * finer["time_base"] == Fraction(3_250_000_001, 10**9)


def test_what_is_no_chapter_is_left_out_and_no_place_goes_along() -> None:
    odd = [
        chapter(5, 5, "empty"),
        chapter(9, 2, "backwards"),
        chapter(-(2**63), -(2**63), "no time"),
        chapter(0, 10, "good", None, location="+48.8566+002.3522/"),
    ]
    (found,) = chapters_of(odd, Fraction(0), Fraction(1))
    assert found["metadata"] == {"title": "good"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.mkv"
    with av.open(str(path), "w") as made:
        made.add_stream("libx264", 10, width=32, height=32)
        made.add_attachment("a.ttf", "font/ttf", b"letters")
        made.add_attachment("notes.txt", "text/plain", b"words")
        made.set_chapters([chapter(0, 400, "first")])
        video = made.streams.video[0]
        for _ in range(5):
            made.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        made.mux(video.encode(None))
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov", ".webm"])
def test_what_a_container_holds_is_carried(source: Path, tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"target{suffix}"
    with av.open(str(source)) as given, av.open(str(target), "w") as made:
        video = made.add_stream(
            "libvpx-vp9" if suffix == ".webm" else "libx264", 10, width=32, height=32
        )
        carry_chapters(given, made, Fraction(0), Fraction(1, 4))
        said = carry_attachments(given, made)
        made.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        made.mux(video.encode(None))
    with av.open(str(target)) as found:
        assert told(found.chapters()) == [(0, 0.25, "first")]
        files = [(one.name, one.mimetype, one.data) for one in found.streams.attachments]
    if suffix == ".mkv":
        assert said == []
        assert files == [("a.ttf", "font/ttf", b"letters"), ("notes.txt", "text/plain", b"words")]
    else:
        assert files == []
        (line,) = said
        assert "2 attached files are left out" in line


def test_where_there_are_none_nothing_is_said(tmp_path: Path) -> None:
    plain = tmp_path / "plain.mkv"
    with av.open(str(plain), "w") as made:
        video = made.add_stream("libx264", 10, width=32, height=32)
        made.mux(video.encode(av.VideoFrame(32, 32, "yuv420p")))
        made.mux(video.encode(None))
    with av.open(str(plain)) as given, av.open(str(tmp_path / "b.mp4"), "w") as made:
        carry_chapters(given, made, Fraction(0), Fraction(1))
        assert carry_attachments(given, made) == []
        assert made.chapters() == []
