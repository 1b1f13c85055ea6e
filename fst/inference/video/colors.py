"""From a video's luma and chroma to RGB and back, as the file says."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fst.inference.video.containers import load_av

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

UNKNOWN = 2
"""Of a matrix, primaries or a transfer that the file doesn't say."""

LIMITED, FULL = 1, 2
"""Ranges of luma: 16 to 235, or 0 to 255."""

_RGB, _BT709, _BT601, _BT601_NTSC = 0, 1, 5, 6
_PQ, _HLG, _SRGB = 16, 18, 13
_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""Of ITU-T H.273 -> what FFmpeg's scaler calls them; others are taken as the usual rule says."""

_EIGHT_BITS = ("yuv420p", "yuv422p", "yuv444p")

# bicubic chroma in full resolution, exact rounding, the same result on every processor
_CAREFUL = 4 | 0x2000 | 0x4000 | 0x40000 | 0x80000


@dataclass(frozen=True)
class Colors:
    """What a clip's numbers mean, in the code points of ITU-T H.273.

    Attributes:
        matrix: of luma and chroma, 0 for RGB.
        range: :data:`LIMITED` or :data:`FULL`.
        primaries: passed on.
        transfer: passed on, but for high dynamic range.
    """

    matrix: int
    range: int = LIMITED
    primaries: int = UNKNOWN
    transfer: int = UNKNOWN

    @property
    def high_range(self) -> str:
        """``"PQ"`` or ``"HLG"`` for high dynamic range, else empty."""
        return {_PQ: "PQ", _HLG: "HLG"}.get(self.transfer, "")

    @property
    def written(self) -> "Colors":
        """Those of the clip that is made of it: high dynamic range is mapped to BT.709."""
        if self.high_range:
            return Colors(_BT709, LIMITED, _BT709, _BT709)
        return self

    def as_yuv(self, width: int, height: int) -> "Colors":
        """For an encoder that takes luma and chroma, whatever the source was made of."""
        if self.matrix in _MATRICES:
            return self
        return replace(self, matrix=usual_matrix(width, height), range=LIMITED)


def usual_matrix(width: int, height: int) -> int:
    """What players take where a file says nothing: BT.709 for high definition, else BT.601."""
    return _BT709 if width >= 1280 or height > 576 else _BT601_NTSC


def read_colors(stated: tuple[int, int, int, int], frame: "VideoFrame") -> Colors:
    """What the numbers of a clip's frames mean.

    Args:
        stated: range, matrix, primaries and transfer that the container states; they go before
            those in the stream itself where it states them (ISO/IEC 14496-12, 12.1.5).
        frame: the first one.
    """
    own = (
        int(frame.color_range),
        int(frame.colorspace),
        int(frame.color_primaries),
        int(frame.color_trc),
    )
    if UNKNOWN not in stated[1:]:
        own = (stated[0] or own[0], *stated[1:])
    reach, matrix, primaries, transfer = own
    if frame.format.is_rgb:
        return Colors(_RGB, FULL, primaries, transfer)
    if matrix not in _MATRICES:
        matrix = usual_matrix(frame.width, frame.height)
    if reach not in (LIMITED, FULL):
        full = frame.format.name.startswith(("yuvj", "gray"))
        reach = FULL if full else LIMITED
    return Colors(matrix, reach, primaries, transfer)


class Converter:
    """Frames of one clip to RGB; keeps FFmpeg's tables, which take long to make for HDR.

    Args:
        colors: of the frames.
        width: in pixels, of what is returned, and so is ``height``.
    """

    def __init__(self, colors: Colors, width: int, height: int) -> None:
        self._colors, self._size = colors, (width, height)
        self._scaler = load_av().video.reformatter.VideoReformatter()

    def __call__(self, frame: "VideoFrame") -> NDArray[np.uint8]:
        """RGB, ``(H, W, 3)``."""
        matrix = _MATRICES.get(self._colors.matrix)
        high: dict[str, int] = {}
        if self._colors.high_range:
            frame.color_trc = self._colors.transfer
            frame.color_primaries = self._colors.primaries
            high = {"dst_color_trc": _SRGB, "dst_color_primaries": _BT709}
        converted = self._scaler.reformat(
            frame,
            *self._size,
            format="rgb24",
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=self._colors.range,
            dst_color_range=FULL,
            interpolation=_CAREFUL,
            threads=1,
            **high,
        )
        array: NDArray[np.uint8] = converted.to_ndarray()
        return array


def to_frame(pixels: NDArray[np.uint8], kind: str, colors: Colors) -> "VideoFrame":
    """What an encoder takes.

    Args:
        pixels: RGB, ``(H, W, 3)``.
        kind: the encoder's pixel format, such as ``"yuv420p"``.
        colors: what its numbers shall mean.
    """
    frame = load_av().VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    matrix = _MATRICES.get(colors.matrix)
    # straight to full range in 8 bits FFmpeg rounds chroma down, which would tint what is gray
    steps = (f"{kind}12le", kind) if colors.range == FULL and kind in _EIGHT_BITS else (kind,)
    made: VideoFrame = frame
    for step in steps:
        made = made.reformat(
            format=step,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=FULL,
            dst_color_range=colors.range,
            interpolation=_CAREFUL,
            threads=1,
        )
    made.colorspace, made.color_range = colors.matrix, colors.range
    made.color_primaries, made.color_trc = colors.primaries, colors.transfer
    return made
