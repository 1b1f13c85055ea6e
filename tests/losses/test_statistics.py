"""fst.losses.statistics: what is measured, and which network it holds for."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix
from fst.losses.statistics import measure_style

LAYERS = ("relu1_1", "relu2_1")


@pytest.fixture(scope="module")
def network() -> VGG19:
    return VGG19(LAYERS, "random")


def test_statistics_are_the_grams_and_mean_activations(painting: Tensor, network: VGG19) -> None:
    found = measure_style(network, painting, LAYERS)
    for layer, features in network(painting, LAYERS).items():
        torch.testing.assert_close(found.grams[layer], gram_matrix(features))
        assert found.means[layer] == pytest.approx(float(features.abs().mean()))


def test_statistics_of_another_network_or_pooling_are_refused(
    painting: Tensor, network: VGG19
) -> None:
    found = measure_style(network, painting, LAYERS)
    found.check(network)
    with pytest.raises(InputError, match="another loss network"):
        replace(found, network="another").check(network)
    with pytest.raises(InputError, match="pooling"):
        found.check(VGG19(LAYERS, "random", "avg"))
    with pytest.raises(InputError, match="padding"):
        found.check(VGG19(LAYERS, "random", padding="reflect"))
