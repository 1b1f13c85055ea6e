from fractions import Fraction
from pathlib import Path

import pytest
from tiny_clips import moving, write_clip

from fst.errors import InputError
from fst.inference.video.clip import Clip
from fst.inference.video.codecs import Encoding
from fst.inference.video.sinks import Video, open_sink


def recipe(target: str, source: Clip, **asked: object) -> object:
    sink = open_sink(Path(target), source, Encoding(**asked))  # type: ignore[arg-type]
    assert isinstance(sink, Video)
    return sink.recipe


def test_nothing_is_written_before_frames_are(tmp_path: Path) -> None:
    source = Clip(write_clip(tmp_path / "a.mp4", moving(2)))
    for name in ("b.mp4", "b.webm", "b.mkv"):
        open_sink(tmp_path / name, source)
    assert [one.name for one in tmp_path.iterdir()] == ["a.mp4"]


def test_what_the_source_is_and_what_was_asked_for(tmp_path: Path) -> None:
    colors = {"colorspace": 1, "color_range": 2, "color_primaries": 1, "color_trc": 1}
    path = write_clip(tmp_path / "a.mp4", moving(2), aspect=Fraction(4, 3), colors=colors)
    source = Clip(path)
    made = recipe("b.mp4", source)
    assert (made.encoder, made.crf, made.kind) == ("libx264", 18, "yuv420p")
    assert (made.colors.matrix, made.colors.range) == (1, 2)
    assert made.pixel_aspect == Fraction(4, 3)
    assert made.rate == 25
    made = recipe("b.mkv", source, codec="ffv1")
    assert (made.kind, made.colors.matrix, made.colors.range) == ("bgr0", 0, 2)
    assert recipe("b.webm", source, crf=40).crf == 40


@pytest.mark.parametrize(
    ("target", "asked", "said"),
    [
        ("b.avi", {}, ".mkv"),
        ("b.mp4", {"codec": "nonsense"}, "h264"),
        ("b.webm", {"codec": "h264"}, "vp9"),
        ("b.mp4", {"crf": 99}, "51"),
    ],
)
def test_what_can_not_be_is_said_before_painting(
    tmp_path: Path, target: str, asked: dict[str, object], said: str
) -> None:
    source = Clip(write_clip(tmp_path / "a.mp4", moving(2)))
    with pytest.raises(InputError) as caught:
        open_sink(tmp_path / target, source, Encoding(**asked))  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
