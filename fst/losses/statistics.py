"""What a style loss knows about a painting: its Gram matrices, without the painting."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.layers import check_layers
from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix


@dataclass(frozen=True)
class StyleStatistics:
    """A painting as the style loss sees it.

    ``grams`` maps layer names to ``(1, C, C)`` float32; ``means`` to the mean absolute activation,
    for the ``"course"`` normalization; ``network`` is the SHA-256 of the network that they hold
    for.
    """

    grams: Mapping[str, Tensor]
    means: Mapping[str, float]
    network: str
    pooling: str = "max"
    padding: str = "zeros"

    def check(self, network: VGG19) -> None:
        """That they hold for this network.

        Raises:
            InputError: they don't.
        """
        theirs = (network.sha256, network.pooling, network.padding)
        if theirs != (self.network, self.pooling, self.padding):
            raise InputError(
                "the style statistics hold for another loss network, pooling or padding"
            )


@torch.no_grad()
def measure_style(network: VGG19, painting: Tensor, layers: Iterable[str]) -> StyleStatistics:
    """The statistics of ``painting``, ``(1, 3, H, W)`` in [0, 1].

    Raises:
        InputError: an unknown layer.
    """
    features = network(painting, check_layers(layers))
    return StyleStatistics(
        {layer: gram_matrix(f) for layer, f in features.items()},
        {layer: float(f.float().abs().mean()) for layer, f in features.items()},
        network.sha256,
        network.pooling,
        network.padding,
    )
