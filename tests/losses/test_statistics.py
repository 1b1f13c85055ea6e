"""fst.losses.statistics: what is measured, and when a painting is needed."""

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix
from fst.losses.perceptual import PerceptualLoss
from fst.losses.statistics import StyleStatistics, measure_style

LAYERS = ("relu1_1", "relu2_1")


@pytest.fixture(scope="module")
def network() -> VGG19:
    return VGG19(LAYERS, "random")


def test_statistics_are_the_grams_and_mean_activations(painting: Tensor, network: VGG19) -> None:
    found = measure_style(network, painting, LAYERS)
    for layer, features in network(painting, LAYERS).items():
        torch.testing.assert_close(found.grams[layer], gram_matrix(features))
        assert found.means[layer] == pytest.approx(float(features.abs().mean()))


def loss_of(painting: Tensor | StyleStatistics, **options: object) -> PerceptualLoss:
    layers = {"content_layers": {"relu2_1": 1.0}, "style_layers": dict.fromkeys(LAYERS, 1.0)}
    return PerceptualLoss(painting, weights="random", **layers, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("normalization", ["relative", "course"])
def test_a_loss_needs_no_more_than_the_statistics(
    painting: Tensor, network: VGG19, normalization: str
) -> None:
    loss = loss_of(painting, normalization=normalization)
    same = loss_of(measure_style(network, painting, LAYERS), normalization=normalization)
    photo = torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(4))
    for one, two in zip(
        loss(photo, loss.content_targets(photo)),
        same(photo, same.content_targets(photo)),
        strict=True,
    ):
        torch.testing.assert_close(one, two)


def test_statistics_of_another_network_pooling_or_layer_are_refused(
    painting: Tensor, network: VGG19
) -> None:
    found = measure_style(network, painting, LAYERS)
    with pytest.raises(InputError, match="another loss network"):
        loss_of(StyleStatistics(found.grams, found.means, "another"))
    with pytest.raises(InputError, match="pooling"):
        loss_of(found, pooling="avg")
    with pytest.raises(InputError, match="no relu2_1"):
        loss_of(measure_style(network, painting, ("relu1_1",)))
