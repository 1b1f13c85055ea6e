"""fst.loss_networks.layers: the layers' names, order and shapes."""

from torch import nn
from torchvision_vgg import torchvision_features

from fst.loss_networks.layers import CHANNELS, LAYERS, convolution_shapes


def test_the_table_of_layers_is_torchvisions_order() -> None:
    kinds = {nn.Conv2d: "conv", nn.ReLU: "relu", nn.MaxPool2d: "pool"}
    expected, block, within = {}, 1, 0
    for index, layer in enumerate(torchvision_features()):
        kind = kinds[type(layer)]
        within += kind == "conv"
        expected[f"pool{block}" if kind == "pool" else f"{kind}{block}_{within}"] = index
        if kind == "pool":
            block, within = block + 1, 0
    assert expected == LAYERS
    assert list(LAYERS) == list(expected)
    assert LAYERS["conv4_2"] == 21  # what the literature's code calls it


def test_the_shapes_of_the_weights_are_torchvisions() -> None:
    expected = {
        f"features.{key}": value.shape for key, value in torchvision_features().state_dict().items()
    }
    assert convolution_shapes(LAYERS["pool5"], CHANNELS) == expected
