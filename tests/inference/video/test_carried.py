"""What a painted clip has of its source besides pictures."""

from fractions import Fraction
from pathlib import Path

import av
import pytest
from tiny_clips import moving, write_clip

from fst.inference.control import Control
from fst.inference.video.clip import Clip
from fst.inference.video.piece import Painted, Piece
from fst.inference.video.sinks import open_sink

WORDS = [(0, "one"), (5, "two"), (7, "three"), (20, "four"), (20, "five"), (32, "six")]
"""Tenths of seconds at which each begins; each is shown for a second."""


def carried(path: Path, target: Path, piece: Piece = Piece()) -> list[str]:  # noqa: B008
    source = Painted(Clip(path), piece, Control())
    sink = open_sink(target, source)
    segment = target.with_name(f"segment{sink.suffix}")
    sink.write_segment(segment, source.frames())
    return sink.join([segment], target)


def shown(path: Path, stream: int = 0) -> list[tuple[float, float, bytes]]:
    """Begin, end and text of every subtitle."""
    with av.open(str(path)) as container:
        packets = [one for one in container.demux(subtitles=stream) if one.size > 2]
        return [
            (
                float(one.pts * one.time_base),
                float((one.pts + one.duration) * one.time_base),
                bytes(one)[2:] if path.suffix in (".mp4", ".mov") else bytes(one),
            )
            for one in packets
        ]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "a.mkv", moving(60), words=WORDS, words_last=10)


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_subtitles_that_overlap_are_where_they_were(clip: Path, suffix: str) -> None:
    target = clip.with_name(f"b{suffix}")
    said = carried(clip, target)
    assert [line for line in said if "overlap" in line] == [
        f"{suffix[1:]} shows one subtitle at a time: those that overlap are put together"
    ]
    found = shown(target)
    for hundredths in range(5, 440, 10):  # in the middle of every tenth
        moment = hundredths / 100
        there = [text for tenths, text in WORDS if tenths / 10 <= moment < tenths / 10 + 1]
        now = [text.decode() for begin, end, text in found if begin <= moment < end]
        assert now == (["\n".join(there)] if there else [])


def test_again_from_mp4_to_mp4_nothing_changes(clip: Path) -> None:
    first, second = clip.with_name("b.mp4"), clip.with_name("c.mp4")
    carried(clip, first)
    assert carried(first, second) == []
    assert shown(second) == shown(first)


def test_others_hold_them_as_they_are(clip: Path) -> None:
    assert carried(clip, clip.with_name("b.mkv")) == []
    assert shown(clip.with_name("b.mkv")) == shown(clip)


def test_chapters_and_files_of_a_piece(clip: Path) -> None:
    source = clip.with_name("chapters.mkv")
    with av.open(str(clip)) as given, av.open(str(source), "w") as made:
        video = made.add_stream_from_template(given.streams.video[0])
        made.add_attachment("a.ttf", "font/ttf", b"letters")
        chapters = [(0, 900, "first"), (900, 2400, "second")]
        made.set_chapters(
            [
                {
                    "id": begin + 1,
                    "start": begin,
                    "end": end,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for begin, end, title in chapters
            ]
        )
        for packet in given.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                made.mux(packet)
    piece = Piece(Fraction(2, 5), Fraction(1))
    said = carried(source, clip.with_name("b.mp4"), piece)
    assert len(said) == 1
    assert "1 attached file is left out" in said[0]
    for name in ("b.mp4", "b.mkv", "c.mkv"):
        if name != "b.mp4":
            assert carried(source, clip.with_name(name), piece) == []
        with av.open(str(clip.with_name(name))) as found:
            assert [
                (one["start"] * one["time_base"], one["end"] * one["time_base"])
                for one in found.chapters()
            ] == [(0, Fraction(1, 2)), (Fraction(1, 2), 1)]
            assert found.duration == 1_000_000  # no longer for its chapters
    # frames are shown to 0.9 s; the second chapter begins before that, and after the piece
    carried(source, clip.with_name("short.mkv"), Piece(Fraction(1, 25), Fraction(171, 200)))
    with av.open(str(clip.with_name("short.mkv"))) as found:
        (first,) = found.chapters()
        assert first["end"] * first["time_base"] == Fraction(171, 200)
    assert clip.with_name("b.mkv").read_bytes() == clip.with_name("c.mkv").read_bytes()
