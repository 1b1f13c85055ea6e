"""Receptive fields: the published ones, and what a gradient reaches."""

import pytest
import torch

from fst.errors import InputError
from fst.loss_networks.layers import LAYERS
from fst.loss_networks.receptive import ReceptiveField, receptive_field
from fst.loss_networks.vgg import VGG19


@pytest.mark.parametrize(
    ("layer", "side", "stride"),
    [
        ("conv1_1", 3, 1), ("conv1_2", 5, 1), ("conv2_1", 10, 2), ("conv3_1", 24, 4),
        ("conv4_1", 68, 8), ("conv5_1", 156, 16), ("relu3_1", 24, 4), ("pool1", 6, 2),
    ],
)  # fmt: skip
def test_of_vgg19(layer: str, side: int, stride: int) -> None:
    """By hand: 3x3 adds two strides, pooling one, and doubles the stride."""
    assert receptive_field(layer)[:2] == (side, stride)


def test_of_vgg16_s_layers() -> None:
    """Three convolutions in the later blocks: the values of the literature."""
    names = [name for name in LAYERS if not name.endswith(("3_4", "4_4", "5_4"))]
    sides = [receptive_field(f"conv{block}_1", names).side for block in range(1, 6)]
    assert sides == [3, 10, 24, 60, 132]


@pytest.mark.parametrize("layer", ["conv1_1", "relu1_2", "pool1", "conv2_1", "conv3_2"])
def test_the_box_is_where_a_gradient_reaches(layer: str) -> None:
    network = VGG19([layer], "random", pooling="avg").double()
    photo = torch.rand(1, 3, 64, 72, dtype=torch.float64, requires_grad=True)
    features = network(photo, [layer])[layer]
    row, column = features.shape[2] // 2, features.shape[3] // 2
    features[0, :, row, column].sum().backward()
    assert photo.grad is not None
    rows, columns = (photo.grad[0].abs().sum(0).sum(side).nonzero().flatten() for side in (1, 0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    assert receptive_field(layer).box(row, column) == box


def test_the_first_position_sees_beyond_the_border() -> None:
    assert receptive_field("conv1_2") == ReceptiveField(5, 1, -2)
    assert receptive_field("conv1_2").box(0, 3) == (1, -2, 6, 3)


def test_an_unknown_layer_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"conv9_1.*conv1_1"):
        receptive_field("conv9_1")
    with pytest.raises(InputError, match="conv3_4"):
        receptive_field("conv3_4", ["conv1_1", "relu1_1"])
