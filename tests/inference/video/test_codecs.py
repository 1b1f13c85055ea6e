from pathlib import Path

import pytest

from fst.errors import InputError
from fst.inference.video.codecs import container_of, encoder_of, pick_crf, pick_encoder, pick_kind


@pytest.mark.parametrize(
    ("codec", "name", "encoder"),
    [
        (None, "a.mp4", "libx264"),
        (None, "a.MOV", "libx264"),
        (None, "a.mkv", "libx264"),
        (None, "a.webm", "libvpx-vp9"),
        ("H265", "a.mp4", "libx265"),
        ("hevc", "a.mov", "libx265"),
        ("prores", "a.mov", "prores_ks"),
        ("av1", "a.webm", "libsvtav1"),
        ("ffv1", "a.mkv", "ffv1"),
        ("libx264rgb", "a.mkv", "libx264rgb"),
    ],
)
def test_codecs_by_the_names_that_people_use(codec: str | None, name: str, encoder: str) -> None:
    assert pick_encoder(codec, Path(name)) == encoder


def test_an_unknown_suffix_names_those_there_are() -> None:
    for name in ("a.avi", "a", "a.jpg"):
        with pytest.raises(InputError, match=r"\.mp4, \.m4v, \.mov, \.mkv, \.webm"):
            container_of(Path(name))


def test_a_codec_that_is_not_here_or_does_not_fit_names_those_that_do() -> None:
    with pytest.raises(InputError, match=r"nonsense.*FFmpeg.*h264, hevc, .*vp9"):
        pick_encoder("nonsense", Path("a.mp4"))
    with pytest.raises(InputError, match=r"aac.*FFmpeg"):
        pick_encoder("aac", Path("a.mp4"))
    with pytest.raises(InputError, match=r"h264.*\.webm.*vp9"):
        pick_encoder("h264", Path("a.webm"))
    with pytest.raises(InputError, match=r"prores.*\.mp4.*h264"):
        pick_encoder("prores", Path("a.mp4"))
    assert encoder_of("nonsense") is None


def test_the_rate_factor_of_each_codec() -> None:
    assert pick_crf(None, "libx264", "h264") == 18
    assert pick_crf(0, "libx264", "h264") == 0
    assert pick_crf(63, "libvpx-vp9", "vp9") == 63
    assert pick_crf(None, "prores_ks", "prores") is None
    with pytest.raises(InputError, match=r"0 to 51 for h264, got 52"):
        pick_crf(52, "libx264", "h264")
    with pytest.raises(InputError, match=r"1 to 63 for av1, got 64"):
        pick_crf(64, "libsvtav1", "av1")
    with pytest.raises(InputError, match=r"crf .--crf. 20: prores takes none"):
        pick_crf(20, "prores_ks", "prores")


def test_players_get_what_they_can_show_and_odd_sides_stay() -> None:
    assert pick_kind("libx264", 64, 36) == "yuv420p"
    assert pick_kind("libx264", 65, 36) == "yuv444p"
    assert pick_kind("libx265", 64, 37) == "yuv444p"
    assert pick_kind("libvpx-vp9", 65, 37) == "yuv420p"
    assert pick_kind("prores_ks", 64, 36) == "yuv422p10le"
    assert pick_kind("ffv1", 65, 37) == "bgr0"
