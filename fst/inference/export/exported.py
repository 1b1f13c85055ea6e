"""The net as it goes into a file: margin, any size and bytes are part of its graph."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.nets.plain import PlainNet
from fst.nets.stages import Stage

MULTIPLE = 4
"""Of pixels that a net wants a side to be: it halves twice."""


class ExportedNet(nn.Module):
    """Photos in, painted pictures out, with nothing for an app to prepare.

    Args:
        stages: of the net, in float32.
        margin: pixels, a multiple of 4, by which a picture goes on at every side while it is
            painted, as in :func:`fst.nets.layers.widen`.
        uint8: pictures come and go as bytes, ``(N, H, W, 3)``, as decoders give them; else as
            floats in [0, 1], ``(N, 3, H, W)``.
        half: weights are kept in half precision; computed is in float32.
        any_size: sides may be of any length; else they have to be multiples of 4, for converters
            that can't compute with a picture's sides.
        least_side: of the net, in pixels.

    Attributes:
        multiple: of pixels that sides have to be: 1 or 4.
        least_side: in pixels.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        margin: int = 0,
        uint8: bool = False,
        half: bool = False,
        any_size: bool = True,
        least_side: int = 2 * MULTIPLE,
    ) -> None:
        super().__init__()
        self.plain = PlainNet(stages)
        self.margin, self.uint8, self.half_weights, self.any_size = margin, uint8, half, any_size
        self.multiple = 1 if any_size else MULTIPLE
        self.least_side = max(margin + MULTIPLE, least_side, 2 * MULTIPLE)
        if half:
            self.plain.half()

    def forward(self, photos: Tensor) -> Tensor:
        """Photos to painted pictures of the same shape and type."""
        x = photos
        if self.uint8:
            x = x.permute(0, 3, 1, 2).float() / 255
        painted = self.painted(x)
        if self.uint8:
            painted = (painted * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
        return painted

    def painted(self, x: Tensor) -> Tensor:
        """``(N, 3, H, W)`` in [0, 1] to the same."""
        m, (h, w) = self.margin, x.shape[2:]
        if not self.any_size:
            wide = _turned(_turned(x, (0, 0, m, m)), (m, m, 0, 0)) if m else x
            y: Tensor = self.plain(wide)
            return y[:, :, m:-m, m:-m] if m else y
        # -h % 4, but of numbers that torch.export can see to lie between 0 and 3
        below, beside = (MULTIPLE - 1 - (side + MULTIPLE - 1) % MULTIPLE for side in (h, w))
        wide = _mirrored(_mirrored(x, 2, m, m + below), 3, m, m + beside)
        y = self.plain(wide)
        # not a slice: that it lies inside of the net's output is more than torch.export can prove
        for axis, side in ((2, h), (3, w)):
            y = y.index_select(axis, torch.arange(m, m + side, device=y.device))
        return y

    def example(self, count: int, height: int, width: int) -> Tensor:
        """Gray pictures as the file takes them: what converters trace it with."""
        if self.uint8:
            return torch.full((count, height, width, 3), 128, dtype=torch.uint8)
        return torch.full((count, 3, height, width), 0.5)


def _mirrored(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Goes on beyond two borders, mirrored in place and in color, as :func:`widen` does."""
    length = x.shape[axis]
    parts = [x]
    if before:
        first = x.narrow(axis, 0, 1)
        # not a slice: of a side that is too short ONNX Runtime would take what there is, shifted
        mirror = x.index_select(axis, torch.arange(before, 0, -1, device=x.device))
        parts.insert(0, (2 * first - mirror).clamp(0, 1))
    last = x.narrow(axis, length - 1, 1)
    beyond = x.narrow(axis, length - 1 - after, after).flip(axis)
    parts.append((2 * last - beyond).clamp(0, 1) if before else beyond)
    return torch.cat(parts, axis)


def _turned(x: Tensor, beyond: tuple[int, int, int, int]) -> Tensor:
    """As :func:`_mirrored`, of one axis, in paddings alone: every converter knows these.

    Twice the edge less the mirror; inside, twice a pixel less itself is that pixel to the bit.
    """
    return (2 * F.pad(x, beyond, mode="replicate") - F.pad(x, beyond, mode="reflect")).clamp(0, 1)


def as_bytes(photos: Tensor) -> Tensor:
    """``(N, 3, H, W)`` in [0, 1] to bytes ``(N, H, W, 3)``."""
    return photos.mul(255).round().byte().permute(0, 2, 3, 1).contiguous()


def as_floats(pictures: Tensor) -> Tensor:
    """Bytes ``(N, H, W, 3)`` to ``(N, 3, H, W)`` in [0, 1]."""
    return pictures.permute(0, 3, 1, 2).float() / 255
