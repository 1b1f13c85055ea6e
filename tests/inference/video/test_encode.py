import io
import json
import resource
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from tiny_clips import moving, psnr

from fst.errors import InputError
from fst.inference.video.codecs import pick_crf, pick_kind
from fst.inference.video.colors import Colors
from fst.inference.video.encode import Recipe, write_segment
from fst.inference.video.frames import Frame

RECIPE = Recipe("libx264", 18, "yuv420p", Fraction(25), Colors(6, 1, 6, 6), Fraction(64, 45))


def framed(count: int, width: int = 48, height: int = 32, **settings: object) -> list[Frame]:
    tick = Fraction(1001, 30000)
    pictures = moving(count, width, height)
    return [Frame(one, at, at * tick) for at, one in enumerate(pictures)]


def segment(frames: list[Frame], recipe: Recipe) -> bytes:
    file = io.BytesIO()
    write_segment(file, iter(frames), recipe)
    return file.getvalue()


@pytest.mark.parametrize("size", [(64, 34), (65, 33)])
@pytest.mark.parametrize(
    "encoder", ["libx264", "libx265", "libvpx-vp9", "libsvtav1", "prores_ks", "ffv1", "mpeg4"]
)
def test_each_encoder_keeps_size_count_and_colors(encoder: str, size: tuple[int, int]) -> None:
    frames = framed(5, *size)
    kind = pick_kind(encoder, *size)
    colors = Colors(0, 2, 1, 1) if kind == "bgr0" else Colors(6, 1, 6, 6)
    recipe = Recipe(encoder, pick_crf(None, encoder, encoder), kind, Fraction(25), colors)
    with av.open(io.BytesIO(segment(frames, recipe))) as container:
        stream = container.streams.video[0]
        decoded = list(container.decode(stream))
        assert (stream.width, stream.height) == size
    for before, after in zip(frames, decoded, strict=True):
        rgb = after.to_ndarray(format="rgb24", **({"src_colorspace": 5} if kind != "bgr0" else {}))
        assert psnr(before.pixels, rgb) > (24 if "420" in kind else 32)  # its colors are bright
        assert np.abs((rgb.astype(float) - before.pixels).mean((0, 1))).max() < 2


def test_what_the_numbers_mean_is_written() -> None:
    for reach in (1, 2):
        recipe = replace(RECIPE, colors=Colors(6, reach, 6, 6))
        with av.open(io.BytesIO(segment(framed(2), recipe))) as container:
            context = container.streams.video[0].codec_context
            frame = next(container.decode(video=0))
            assert context.sample_aspect_ratio == Fraction(64, 45)
            for one in (context, frame):
                said = (one.colorspace, one.color_range, one.color_primaries, one.color_trc)
                assert said == (6, reach, 6, 6)


@pytest.mark.parametrize("size", [(48, 32), (62, 50), (47, 33)])
def test_the_same_frames_give_the_same_bytes(size: tuple[int, int]) -> None:
    frames = framed(30, *size)
    recipe = replace(RECIPE, kind=pick_kind("libx264", *size))
    assert len({segment(frames, recipe) for _ in range(5)}) == 1


def test_exact_times_are_kept_whatever_matroska_can_hold() -> None:
    times = [Fraction(1, 3), Fraction(1, 3) + Fraction(1, 90_000), Fraction(7, 13), Fraction(5)]
    frames = [replace(one, time=time) for one, time in zip(framed(4), times, strict=True)]
    frames[-1] = replace(frames[-1], duration=Fraction(2, 7))
    with av.open(io.BytesIO(segment(frames, RECIPE))) as container:
        packets = [(one.stream.type, one.pts, bytes(one)) for one in container.demux()]
    lines = b"".join(content for kind, _, content in packets if kind == "subtitle")
    assert [Fraction(one) for one in json.loads(lines)["times"]] == [*times, 5 + Fraction(2, 7)]
    shown = sorted(pts for kind, pts, content in packets if kind == "video" and content)
    assert shown == [0, 1, 205, 4667]


def test_nothing_to_encode_and_what_an_encoder_refuses() -> None:
    with pytest.raises(InputError, match="no frame"):
        segment([], RECIPE)
    with pytest.raises(InputError, match=r"48x32.*64 pixels"):
        segment(framed(2), replace(RECIPE, encoder="libx265"))
    with pytest.raises(InputError, match="libx264") as caught:
        segment(framed(2, 47, 33), RECIPE)  # half the chroma of odd sides
    assert "\n" not in str(caught.value)


def test_a_full_disk_is_an_error_of_the_disk(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            write_segment(tmp_path / "a.mkv", framed(40), replace(RECIPE, crf=0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not isinstance(caught.value, InputError)
    assert caught.value.filename == str(tmp_path / "a.mkv")


def test_encoders_are_silent() -> None:
    """They are programs of their own, some of which would tell about themselves."""
    program = """
import io
from fractions import Fraction
import numpy as np
from fst.inference.video.codecs import pick_kind
from fst.inference.video.colors import Colors
from fst.inference.video.encode import Recipe, write_segment
from fst.inference.video.frames import Frame
frames = [Frame(np.zeros((64, 64, 3), np.uint8), one, Fraction(one, 25)) for one in range(3)]
for encoder in ("libx264", "libx265", "libsvtav1", "libvpx-vp9"):
    kind = pick_kind(encoder, 64, 64)
    write_segment(io.BytesIO(), frames, Recipe(encoder, 30, kind, Fraction(25), Colors(6)))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (ended.stdout, ended.stderr) == (b"", b"")
