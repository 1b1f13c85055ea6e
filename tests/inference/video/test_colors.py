from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from support import make_photo

from fst.inference.video.colors import Colors, Converter, read_colors, to_frame, usual_matrix

WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
"""Of red and blue in luma: ITU-R BT.709, BT.601 and BT.2020."""


def to_yuv(rgb: NDArray[Any], matrix: int, full: bool) -> NDArray[Any]:
    """Luma and chroma by the formulas of the recommendations, ``(3, H, W)`` in 8 bits."""
    red, blue = WEIGHTS[matrix]
    r, g, b = np.moveaxis(rgb / 255, -1, 0)
    luma = red * r + (1 - red - blue) * g + blue * b
    chroma = np.stack([(b - luma) / (2 - 2 * blue), (r - luma) / (2 - 2 * red)])
    if full:
        return np.stack([255 * luma, *(255 * chroma + 128)])
    return np.stack([219 * luma + 16, *(224 * chroma + 128)])


@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("full", [False, True])
def test_there_and_back_by_the_formulas(matrix: int, full: bool) -> None:
    rgb = np.asarray(make_photo(32, 24))
    colors = Colors(matrix, 2 if full else 1)
    yuv = np.clip(to_yuv(rgb, matrix, full).round(), 0, 255).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(yuv, format="yuv444p")
    assert np.abs(Converter(colors, 32, 24)(frame).astype(int) - rgb).max() <= 2
    made = to_frame(rgb, "yuv444p", colors)
    assert np.abs(made.to_ndarray().astype(int) - to_yuv(rgb, matrix, full)).max() <= 1.6
    bias = (made.to_ndarray().astype(float) - to_yuv(rgb, matrix, full)).mean((1, 2))
    assert np.abs(bias).max() < 0.2
    assert (made.colorspace, made.color_range) == (matrix, colors.range)


@pytest.mark.parametrize("kind", ["yuv420p", "yuv444p", "yuv422p10le", "bgr0", "gbrp"])
def test_gray_stays_gray(kind: str) -> None:
    ramp = np.arange(256, dtype=np.uint8).repeat(4).reshape(16, 64)
    rgb = np.stack([ramp] * 3, -1)
    for reach in (1, 2):
        colors = Colors(0, 2) if kind in ("bgr0", "gbrp") else Colors(1, reach)
        back = Converter(colors, 64, 16)(to_frame(rgb, kind, colors)).astype(int)
        assert np.abs(back - rgb).max() <= 1
        assert np.ptp(back, axis=-1).max() <= 1
        assert np.abs((back - rgb).mean((0, 1))).max() < 0.6


def stated(frame: Any, *of_container: int) -> Colors:
    return read_colors(of_container or (0, 2, 2, 2), frame)  # type: ignore[arg-type]


def frame(kind: str, width: int, height: int, *values: int) -> Any:
    reach, matrix, primaries, transfer = values or (0, 2, 2, 2)
    return SimpleNamespace(
        format=av.VideoFormat(kind),
        width=width,
        height=height,
        color_range=reach,
        colorspace=matrix,
        color_primaries=primaries,
        color_trc=transfer,
    )


def test_what_is_not_said_is_taken_as_players_do() -> None:
    assert usual_matrix(720, 576) == 6
    assert usual_matrix(1280, 720) == usual_matrix(608, 1080) == 1
    assert stated(frame("yuv420p", 640, 360)) == Colors(6, 1)
    assert stated(frame("yuv420p10le", 1920, 1080)) == Colors(1, 1)
    assert stated(frame("yuvj420p", 640, 360)) == Colors(6, 2)
    assert stated(frame("rgb24", 640, 360)) == Colors(0, 2)
    assert stated(frame("yuv420p", 640, 360, 2, 7, 6, 6)) == Colors(7, 2, 6, 6)


def test_the_container_goes_before_the_stream() -> None:
    wrong = frame("yuv420p10le", 320, 180, 1, 9, 9, 16)
    assert stated(wrong).high_range == "PQ"
    assert stated(wrong, 1, 1, 1, 1) == Colors(1, 1, 1, 1)
    assert stated(wrong, 1, 1, 2, 2).high_range == "PQ"  # it doesn't say all


def test_rgb_gets_a_matrix_where_the_encoder_takes_luma() -> None:
    assert Colors(0, 2, 1, 13).as_yuv(640, 360) == Colors(6, 1, 1, 13)
    assert Colors(9, 2).as_yuv(640, 360) == Colors(9, 2)


@pytest.mark.slow
def test_high_dynamic_range_is_brought_to_what_it_looked_like() -> None:
    """A picture whose white is put at 203 nits (ITU-R BT.2408) and back."""
    rgb = np.asarray(make_photo(32, 24))
    signal = rgb / 255
    linear = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    wide = linear @ np.array(  # ITU-R BT.2087
        [[0.6274, 0.0691, 0.0164], [0.3293, 0.9195, 0.0880], [0.0433, 0.0114, 0.8956]]
    )
    power = (wide.clip(0, 1) * 203 / 10_000) ** (2610 / 16384)  # SMPTE ST 2084
    coded = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    luma = to_yuv(coded * 255, 9, False) * 4
    frame = av.VideoFrame(32, 24, "yuv444p10le")
    for plane, values in zip(frame.planes, luma.round().astype(np.uint16), strict=True):
        rows = np.zeros((24, plane.line_size // 2), np.uint16)
        rows[:, :32] = values
        plane.update(rows.tobytes())
    colors = Colors(9, 1, 9, 16)
    back = Converter(colors, 32, 24)(frame)
    assert np.abs(back.astype(int) - rgb).mean() < 5
    assert colors.written == Colors(1, 1, 1, 1)
