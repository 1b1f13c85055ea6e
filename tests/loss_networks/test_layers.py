"""fst.loss_networks.layers: the layers' names, order and shapes."""

import pytest
from torch import nn
from torchvision_vgg import torchvision_features

from fst.loss_networks.architectures import ARCHITECTURES
from fst.loss_networks.layers import CHANNELS, LAYERS, convolution_shapes


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_the_table_of_layers_is_torchvisions_order(network: str) -> None:
    kinds = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.MaxPool2d: "pool"}
    expected, block, within = {}, 1, 0
    for index, layer in enumerate(torchvision_features(network)):
        kind = kinds[type(layer)]
        within += kind == "conv"
        expected[f"pool{block}" if kind == "pool" else f"{kind}{block}_{within}"] = index
        if kind == "pool":
            block, within = block + 1, 0
    layers = ARCHITECTURES[network].layers
    assert expected == layers
    assert list(layers) == list(expected)
    assert LAYERS["conv4_2"] == 21  # what the literature's code calls it, of VGG-19


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_the_shapes_of_the_weights_are_torchvisions(network: str) -> None:
    state = torchvision_features(network).state_dict()
    expected = {f"features.{key}": value.shape for key, value in state.items()}
    layers = ARCHITECTURES[network].layers
    assert convolution_shapes(layers["pool5"], CHANNELS, layers) == expected
