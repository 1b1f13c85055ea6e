"""What of a picture a position of the loss network's features depends on."""

from collections.abc import Iterable
from typing import NamedTuple

from fst.errors import InputError
from fst.loss_networks.layers import LAYERS


class ReceptiveField(NamedTuple):
    """A square of pixels: ``side`` long, ``stride`` from one position's to the next one's.

    ``start`` is the first pixel of position 0's; negative, as convolutions see beyond the border.
    """

    side: int
    stride: int
    start: int

    def box(self, row: int, column: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of a position's square, in pixels; some may lie outside."""
        left, top = self.start + column * self.stride, self.start + row * self.stride
        return left, top, left + self.side, top + self.side


def receptive_field(layer: str, layers: Iterable[str] = LAYERS) -> ReceptiveField:
    """Of a layer, from the kernels and strides of all before it.

    Args:
        layer: its name, ``"conv3_1"``.
        layers: the names of the network's layers, the first one first: convolutions of 3x3 with a
            padding of 1, ReLUs, and poolings by 2.

    Raises:
        InputError: no such layer.

    Source:
        Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks",
        section 2.
    """
    layers = tuple(layers)
    if layer not in layers:
        raise InputError(f"no layer {layer!r} in the loss network: there are {', '.join(layers)}")
    side, stride, start = 1, 1, 0
    for name in layers[: layers.index(layer) + 1]:
        if name.startswith("conv"):
            side, start = side + 2 * stride, start - stride
        elif name.startswith("pool"):
            side, stride = side + stride, 2 * stride
    return ReceptiveField(side, stride, start)
