"""Layers of the transformer nets: instance norm, padded convolution, residual block, upsampling."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.nets.norm import InstanceNorm2d
from fst.nets.padding import pad
from fst.nets.winograd import convolution


class ReflectionPad2d(nn.ReflectionPad2d):
    """Reflection padding in the dtype that comes in: autocast on a CPU would do it in float32."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, H + 2 p, W + 2 p)``."""
        with torch.autocast(x.device.type, enabled=False):
            return pad(x, self.padding[0], "reflect")


def widen(images: Tensor, margin: int = 0, multiple: int = 4) -> tuple[Tensor, int]:
    """Pictures with more around them, for what a net does badly at its borders.

    Beyond the border they are mirrored, up to multiples of 4 pixels, which two halvings want. A
    margin is mirrored in color, too: it goes on as the picture was going, where a plain mirror
    would stand still at the border, and a net paint weaker strokes there (docs/quality.md).

    Args:
        images: ``(N, 3, H, W)`` in [0, 1], no side shorter than ``multiple``.
        margin: pixels on every side; as many as there are in small pictures, and a multiple.
        multiple: of pixels that the wider pictures' sides are.

    Returns:
        The wider pictures, and the margin that they have on their left and above.
    """
    h, w = images.shape[2:]
    m = min(margin, min(h, w) - multiple) // multiple * multiple  # mirrors end where a picture does
    below, beside = -h % multiple, -w % multiple
    if not (m or below or beside):
        return images, 0
    wide = F.pad(images, (m, m + beside, m, m + below), mode="reflect")
    if m:
        for axis, side, more in ((2, h, below), (3, w, beside)):
            for start, length, edge in ((0, m, m), (m + side, m + more, m + side - 1)):
                beyond = wide.narrow(axis, start, length)
                beyond.copy_((2 * wide.narrow(axis, edge, 1) - beyond).clamp(0, 1))
    return wide, m


class Conv2d(nn.Conv2d):
    """``torch.nn.Conv2d``, by :func:`~fst.nets.winograd.convolution` where that is the same."""

    def forward(self, x: Tensor) -> Tensor:
        """As torch's."""
        if self.stride == (1, 1):
            return convolution(x, self.weight, self.bias)
        return super().forward(x)


class ConvNorm(nn.Sequential):
    """Reflection padding, convolution, instance norm: the output is ``input / stride`` in size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.pad = ReflectionPad2d(kernel // 2)
        self.conv = Conv2d(inputs, outputs, kernel, stride)
        self.norm = InstanceNorm2d(outputs)

    def convolved(self, x: Tensor) -> Tensor:
        """All but the norm: the features that it sees."""
        y: Tensor = self.conv(self.pad(x))
        return y


def _shares(fold: object, weight: Tensor) -> Tensor:
    """A fold as a tensor like ``weight``; to bring it to a GPU, nobody waits for the GPU."""
    return torch.tensor(fold, dtype=weight.dtype).to(weight.device, non_blocking=True)


class UpsampleConv(ConvNorm):
    """Nearest-neighbor upsampling by 2, then :class:`ConvNorm`, at 4/9 of the work.

    A transposed convolution writes some pixels more often than others, which shows as a
    checkerboard (Odena et al. 2016); resizing first does not.

    Two of the three rows under a kernel on an upsampled picture are copies of one, so that their
    weights can be added up: an output pixel at an even or odd row and column is a 2x2 convolution,
    with weights of its own, of the picture before upsampling. Reflection at the border of the
    upsampled picture is replication at the border of the other.
    """

    FOLD = (((1.0, 1, 0), (0, 0, 1)), ((1.0, 0, 0), (0, 1, 1)))
    """Which of the 3 taps each of the 2 taps sums, for odd and for even outputs."""

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', 2 H, 2 W)``."""
        y: Tensor = self.norm(self.convolved(x))
        return y

    def convolved(self, x: Tensor) -> Tensor:
        """All but the norm: the features that it sees."""
        with torch.autocast(x.device.type, enabled=False):  # as in ReflectionPad2d
            x = pad(x, 1, "replicate")
            weight, bias = self.folded()
        return interleave(F.conv2d(x, weight, bias))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weights ``(4 C', C, 2, 2)`` and bias ``(4 C',)``: odd-odd, odd-even, even-odd, even-even.

        Summed in the weights' own precision, which autocast rounds once.
        """
        weight, bias = self.conv.weight, self.conv.bias
        assert bias is not None
        fold = _shares(self.FOLD, weight)
        four = torch.einsum("oikl,ptk,qul->pqoitu", weight, fold, fold).flatten(0, 2)
        return four.contiguous(memory_format=torch.channels_last), bias.repeat(4)


class SmoothUpsampleConv(ConvNorm):
    """Bilinear upsampling by 2, then :class:`ConvNorm`, without making the upsampled picture.

    Repeated pixels make stairs of a slope, and a convolution answers to their edges; between
    bilinear samples a slope is straight. It does not end the pattern of the upsampling's period by
    itself: :func:`fst.losses.functional.upsampling_pattern` does (docs/quality.md).

    A 3x3 kernel on the upsampled picture is, at an even or odd row and column each, a 3x3 kernel on
    the picture before. Beyond the border both pictures repeat their outermost pixels.
    """

    FOLD = (
        ((0.75, 0.25, 0), (0.25, 0.75, 0.75), (0, 0, 0.25)),
        ((0.25, 0, 0), (0.75, 0.75, 0.25), (0, 0.25, 0.75)),
    )
    """The share of each of the 3 taps in each of the 3 taps before, for even and for odd outputs.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C', 2 H, 2 W)``."""
        y: Tensor = self.norm(self.convolved(x))
        return y

    def convolved(self, x: Tensor) -> Tensor:
        """All but the norm: the features that it sees."""
        with torch.autocast(x.device.type, enabled=False):  # as in ReflectionPad2d
            x = pad(x, 1, "replicate")
            weight, bias = self.folded()
        return in_blocks(convolution(x, weight, bias))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weights ``(4 C', C, 3, 3)`` and bias ``(4 C',)``, as :func:`in_blocks` wants them."""
        return self._fold(), self._bias().repeat(4)

    def _fold(self) -> Tensor:
        fold = _shares(self.FOLD, self.conv.weight)
        four = torch.einsum("oikl,ptk,qul->pqoitu", self.conv.weight, fold, fold).flatten(0, 2)
        return four.contiguous(memory_format=torch.channels_last)

    def _bias(self) -> Tensor:
        assert self.conv.bias is not None
        return self.conv.bias


def in_blocks(y: Tensor) -> Tensor:
    """``(N, 4 C, H, W)``, the four pixels of a block one after the other, to ``(N, C, 2 H, 2 W)``.

    What a pixel shuffle does, but whole runs of channels are moved: a quarter of its time.
    """
    y = y.permute(0, 2, 3, 1)
    n, h, w, c = y.shape
    y = y.reshape(n, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5)
    return y.reshape(n, 2 * h, 2 * w, c // 4).permute(0, 3, 1, 2)


def interleave(y: Tensor) -> Tensor:
    """``(N, 4 C, H + 1, W + 1)``, as :meth:`UpsampleConv.folded` orders it, to ``(N, C, 2H, 2W)``.

    Even outputs begin at the first position and odd ones at the second, so that the blocks of 2x2
    overlap the borders by a pixel.
    """
    n, c, h, w = y.shape
    y = y.permute(0, 2, 3, 1).view(n, h, w, 2, 2, c // 4)
    y = y.permute(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)[:, 1:-1, 1:-1]
    return y.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


class OutputConv(nn.Conv2d):
    """A convolution to few channels that computes blocks of 2x2 outputs, with stride 2.

    The same function as ``torch.nn.Conv2d(inputs, outputs, kernel)``. Three output channels leave
    most of a vector unit idle; twelve of them, the four pixels of a block, cost 1.2 times the
    arithmetic and less than half of the time.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__(inputs, outputs, kernel)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H + K - 1, W + K - 1)``, H and W even, to ``(N, C', H, W)``."""
        weight, bias = self.blocked()
        return F.pixel_shuffle(F.conv2d(x, weight, bias, stride=2), 2)

    def blocked(self) -> tuple[Tensor, Tensor]:
        """Weights ``(4 C', C, K + 1, K + 1)`` and bias ``(4 C',)``, as ``pixel_shuffle`` wants."""
        assert self.bias is not None
        shifted = [F.pad(self.weight, (q, 1 - q, p, 1 - p)) for p in (0, 1) for q in (0, 1)]
        four = torch.stack(shifted, 1).flatten(0, 1)
        return four.contiguous(memory_format=torch.channels_last), self.bias.repeat_interleave(4)


class ResidualBlock(nn.Module):
    """``x + norm(conv(relu(norm(conv(x)))))``, without a ReLU after the sum.

    Source:
        Johnson et al. 2016, supplement, figure 1 (after Gross & Wilber 2016), padded instead of
        cropped.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        y: Tensor = x + self.second(F.relu(self.first(x)))
        return y
