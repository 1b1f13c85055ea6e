"""What the predictor of an any-painting net reads of a painting: moments, without the painting."""

import torch
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.colors import color_moments, mean_products

LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
"""Of the slim network, whose features' moments are taken."""


def moments_network(dtype: torch.dtype = torch.float32) -> VGG19:
    """The slim network that comes with the package, as :func:`painting_moments` needs it.

    Raises:
        AssetError: its file is damaged.
    """
    return VGG19(LAYERS, "slim", "max", dtype)


@torch.no_grad()
def painting_moments(network: VGG19, painting: Tensor) -> Tensor:
    """Means and mean squares of all channels, products of the first layer's, and of the colors.

    All are means over positions, so that those of a mixture of paintings are mixtures.

    Args:
        network: from :func:`moments_network`.
        painting: ``(N, 3, H, W)``, RGB in [0, 1], at the size whose strokes are meant.

    Returns:
        ``(N, MOMENTS)``, float32, in the order of :data:`fst.nets.predictor.MOMENTS`.

    Raises:
        InputError: another network than the slim one.
    """
    if network.source != "slim":
        raise InputError("a painting's moments are the slim network's")
    features = network(painting, LAYERS, metric=False)
    means = [features[layer].float().mean((2, 3)) for layer in LAYERS]
    squares = [features[layer].float().square().mean((2, 3)) for layer in LAYERS]
    products = mean_products(features[LAYERS[0]])
    return torch.cat([*means, *squares, products, color_moments(painting)], 1)
