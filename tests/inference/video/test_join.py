from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import pytest
from tiny_clips import moving, packets_of, psnr, write_clip

from fst.errors import InputError
from fst.inference.control import Control
from fst.inference.video.clip import Clip
from fst.inference.video.codecs import Encoding
from fst.inference.video.frames import Frame, Sink
from fst.inference.video.piece import Painted, Piece
from fst.inference.video.sinks import open_sink

TICK = Fraction(1, 12_800)


def segments_of(frames: Iterator[Frame], sink: Sink, folder: Path, each: int = 4) -> list[Path]:
    paths: list[Path] = []
    while part := list(islice(frames, each)):
        paths.append(folder / f"{len(paths)}{sink.suffix}")
        sink.write_segment(paths[-1], part)
    return paths


def rewritten(path: Path, target: Path, codec: str | None = None) -> list[str]:
    """The clip again, as if it were painted with its own pixels; what was said."""
    source = Clip(path)
    sink = open_sink(target, source, Encoding(codec=codec), record="how it was painted")
    paths = segments_of(source.frames(), sink, target.parent)
    said = sink.join(paths, target)
    for one in paths:
        one.unlink()
    return said


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
def test_times_and_pictures_across_segments(tmp_path: Path, suffix: str) -> None:
    """A variable rate, a start that is not zero, frames that refer to later ones."""
    times = [640, 1152, 2048, 2500, 4000, 4512, 5024, 9000, 9512, 10_000, 10_512]
    path = write_clip(tmp_path / "a.mp4", moving(11, 47, 33), times, TICK)
    target = tmp_path / f"b{suffix}"
    assert rewritten(path, target) == []
    before, after = list(Clip(path).frames()), list(Clip(target).frames())
    allowed = 0 if suffix in (".mp4", ".mov") else Fraction(1, 2000)
    for one, other in zip(before, after, strict=True):
        assert abs(one.time - other.time) <= allowed
        assert psnr(one.pixels, other.pixels) > 24
    with av.open(str(path)) as given, av.open(str(target)) as made:
        assert abs(given.start_time - made.start_time) <= 500  # microseconds
        # Matroska counts from zero, the others from the first frame
        begins = 0 if allowed == 0 else Fraction(made.start_time, 1_000_000)
        assert abs(given.duration - made.duration + begins * 1_000_000) <= 2000
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_sound_is_copied_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    path = write_clip(
        tmp_path / "a.mp4",
        moving(12),
        sound=2,
        sound_start=Fraction(3, 10),
        sound_tags={"language": "fra"},
    )
    target = tmp_path / f"b{suffix}"
    assert rewritten(path, target) == []
    before, after = packets_of(path, "audio"), packets_of(target, "audio")
    assert len(before) == len(after) == 2
    for one, other in zip(before, after, strict=True):
        assert [content for content, _ in one] == [content for content, _ in other]
        gaps = [abs(a - b) for (_, a), (_, b) in zip(one, other, strict=True)]
        assert max(gaps) <= (Fraction(1, 2000) if suffix == ".mkv" else 0)
    assert next(Clip(target).frames()).time == 0
    with av.open(str(target)) as container:
        assert container.streams.audio[0].language == "fra"


def test_words_of_the_file_are_kept_but_not_where_it_was_taken(tmp_path: Path) -> None:
    tags = {
        "title": "Holidays",
        "date": "2024-05-06",
        "location": "+48.8566+002.3522/",
        "com.apple.quicktime.location.ISO6709": "+48.8566+002.3522/",
    }
    path = write_clip(tmp_path / "a.mkv", moving(3), tags=tags)
    for suffix in (".mp4", ".mkv"):
        target = tmp_path / f"b{suffix}"
        rewritten(path, target)
        with av.open(str(target)) as container:
            said = {name.lower(): value for name, value in container.metadata.items()}
        assert said["title"] == "Holidays"
        assert said["date"] == "2024-05-06"
        assert said["comment"] == "how it was painted"
        assert b"48.8566" not in target.read_bytes()


def test_pixels_that_are_not_square_and_turned_clips(tmp_path: Path) -> None:
    matrix = (0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path = write_clip(tmp_path / "a.mov", moving(3, 48, 32), matrix=matrix, aspect=Fraction(4, 3))
    for suffix in (".mp4", ".mkv"):
        rewritten(path, tmp_path / f"b{suffix}")
        with av.open(str(tmp_path / f"b{suffix}")) as container:
            stream = container.streams.video[0]
            assert (stream.width, stream.height) == (32, 48)
            assert stream.codec_context.sample_aspect_ratio == Fraction(3, 4)
            assert next(container.decode(stream)).rotation == 0


def test_subtitles_are_copied_or_converted(tmp_path: Path) -> None:
    words = [(1, "one"), (3, "two, zwei")]
    path = write_clip(tmp_path / "a.mkv", moving(12), words=words)
    assert rewritten(path, tmp_path / "b.mkv") == []
    assert packets_of(tmp_path / "b.mkv", "subtitle") == packets_of(path, "subtitle")
    for suffix, kind in ((".mp4", "mov_text"), (".webm", "webvtt")):
        said = rewritten(path, tmp_path / f"b{suffix}")
        assert len(said) == 1
        assert "subrip" in said[0]
        assert kind in said[0]
        found = [one for one in packets_of(tmp_path / f"b{suffix}", "subtitle")[0]]
        shown = [(content, time) for content, time in found if len(content) > 2]
        for (tenths, text), (content, time) in zip(words, shown, strict=True):
            assert text.encode() in content
            assert time == Fraction(tenths, 10)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".webm"])
@pytest.mark.parametrize("given", [".mkv", ".mp4"])
def test_subtitles_of_a_piece_end_with_it(tmp_path: Path, given: str, suffix: str) -> None:
    words = [(0, "over before"), (6, "on before"), (12, "reaches beyond"), (25, "later")]
    path = write_clip(tmp_path / "a.mkv", moving(40), words=words, words_last=5)
    if given == ".mp4":
        rewritten(path, tmp_path / "a.mp4")
        path = tmp_path / "a.mp4"
    piece = Piece(Fraction(1), Fraction(1, 2))
    source = Painted(Clip(path), piece, Control())
    target = tmp_path / f"b{suffix}"
    sink = open_sink(target, source)
    sink.join(segments_of(source.frames(), sink, tmp_path), target)
    with av.open(str(target)) as container:
        assert abs(container.duration - 500_000) <= 40_000  # a frame
        packets = [one for one in container.demux(subtitles=0) if one.size > 2]
        for text, one in zip((b"on before", b"reaches beyond"), packets, strict=True):
            assert text in bytes(one)
        shown = [(one.pts * one.time_base, one.duration * one.time_base) for one in packets]
    near = pytest.approx
    assert [tuple(map(float, one)) for one in shown] == [
        (near(0, abs=2e-3), near(0.1, abs=2e-3)), (near(0.2, abs=2e-3), near(0.3, abs=2e-3))
    ]  # fmt: skip


def test_sound_that_a_container_can_not_hold_is_coded_anew(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(25), sound=2)
    said = rewritten(path, tmp_path / "b.webm")
    assert len(said) == 1  # the two tracks are of one kind
    assert "aac" in said[0]
    assert "opus" in said[0]
    with av.open(str(tmp_path / "b.webm")) as container:
        sound = list(container.decode(audio=0))
        assert abs(sum(one.samples for one in sound) / 48_000 - 47 * 1024 / 48_000) < 0.05
        assert abs(sound[0].time) < 0.03


def test_broadcasts_lose_their_own_clock_and_stay_in_step(tmp_path: Path) -> None:
    times = [900_000 + 3600 * one for one in range(8)]
    path = write_clip(
        tmp_path / "a.ts",
        moving(8),
        times,
        Fraction(1, 90_000),
        sound=1,
        sound_start=Fraction(101, 10),
    )
    begins = [packets_of(path, "audio")[0][0][1]]
    target = tmp_path / "b.mp4"
    rewritten(path, target)
    begins.append(packets_of(target, "audio")[0][0][1])
    start = Clip(path).about.details["start"]
    assert abs(begins[0] - begins[1] - start) < Fraction(1, 40_000)
    assert [one.time for one in Clip(target).frames()] == [
        one * Fraction(1, 90_000) - start for one in times
    ]


def test_segments_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    source = Clip(write_clip(tmp_path / "a.mp4", moving(8)))
    sink = open_sink(tmp_path / "b.mp4", source)
    frames = list(source.frames())
    paths = [tmp_path / "0.mkv", tmp_path / "1.mkv"]
    sink.write_segment(paths[0], frames[:4])
    open_sink(tmp_path / "b.mp4", source, Encoding(crf=0)).write_segment(paths[1], frames[4:])
    with pytest.raises(InputError, match=r"1\.mkv"):
        sink.join(paths, tmp_path / "b.mp4")
    paths[1].write_bytes(paths[1].read_bytes()[:-200])
    with pytest.raises(InputError, match=r"1\.mkv"):
        sink.join(paths, tmp_path / "b.mp4")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["0.mkv", "1.mkv", "a.mp4"]


def test_the_same_segments_give_the_same_file(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", moving(8), sound=1)
    for suffix in (".mp4", ".mkv"):
        files = []
        for name in ("b", "c"):
            rewritten(path, tmp_path / f"{name}{suffix}")
            files.append((tmp_path / f"{name}{suffix}").read_bytes())
        assert files[0] == files[1]
