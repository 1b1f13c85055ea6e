"""A painting's moments: means over positions, that add up in mixtures."""

import pytest
import torch

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.moments import LAYERS, moments_network, painting_moments
from fst.nets.predictor import CHANNELS, MOMENTS


def test_moments_are_means_over_positions() -> None:
    torch.manual_seed(0)
    painting = torch.rand(1, 3, 48, 64)
    found = painting_moments(moments_network(), painting)[0]
    assert found.shape == (MOMENTS,)
    colors = painting[0].double().flatten(1)
    torch.testing.assert_close(found[-9:-6].double(), colors.mean(1), rtol=1e-5, atol=1e-6)
    products = [(colors[i] * colors[j]).mean() for i in range(3) for j in range(i, 3)]
    torch.testing.assert_close(found[-6:].double(), torch.stack(products), rtol=1e-5, atol=1e-6)
    # the network's own features, not those in VGG-19's metric
    network = moments_network()
    first = network(painting, ["relu1_1"], metric=False)["relu1_1"][0].flatten(1)
    torch.testing.assert_close(found[: CHANNELS[0]], first.mean(1), rtol=1e-4, atol=1e-5)
    squares = found[sum(CHANNELS) : sum(CHANNELS) + CHANNELS[0]]
    torch.testing.assert_close(squares, first.square().mean(1), rtol=1e-4, atol=1e-5)


def test_channels_are_the_slim_networks() -> None:
    features = moments_network()(torch.rand(1, 3, 32, 32), LAYERS, metric=False)
    assert tuple(f.shape[1] for f in features.values()) == CHANNELS


def test_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="slim"):
        painting_moments(VGG19(LAYERS, "random"), torch.rand(1, 3, 32, 32))
