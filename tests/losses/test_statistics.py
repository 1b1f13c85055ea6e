"""fst.losses.statistics: what is written comes back; when a painting is needed and when not."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fst.errors import AssetError, InputError
from fst.loss_networks.vgg import VGG19
from fst.losses.embedded import embedded_style, write_statistics
from fst.losses.functional import gram_matrix
from fst.losses.perceptual import PerceptualLoss
from fst.losses.statistics import StyleStatistics, measure_style

LAYERS = ("relu1_1", "relu2_1")


@pytest.fixture(scope="module")
def network() -> VGG19:
    return VGG19(LAYERS, "random")


@pytest.fixture
def shipped(tmp_path: Path, painting: Tensor, network: VGG19) -> Path:
    """The statistics of one painting at two sizes."""
    path = tmp_path / "styles.safetensors"
    sizes = {48: measure_style(network, painting, LAYERS)}
    sizes[24] = measure_style(network, painting[..., ::2, ::2], LAYERS)
    write_statistics(path, {"sea": sizes}, {"by": "nobody"})
    return path


def test_statistics_are_the_grams_and_mean_activations(painting: Tensor, network: VGG19) -> None:
    found = measure_style(network, painting, LAYERS)
    for layer, features in network(painting, LAYERS).items():
        torch.testing.assert_close(found.grams[layer], gram_matrix(features))
        assert found.means[layer] == pytest.approx(float(features.abs().mean()))


def test_what_is_written_comes_back(shipped: Path, painting: Tensor, network: VGG19) -> None:
    expected = measure_style(network, painting, LAYERS)
    found = embedded_style("sea.jpg", 48, LAYERS, shipped)
    for layer, gram in expected.grams.items():
        # half precision rounds by at most 2^-11
        torch.testing.assert_close(found.grams[layer], gram, rtol=5e-4, atol=1e-6 * gram.max())
        assert torch.equal(found.grams[layer], found.grams[layer].transpose(1, 2))
        assert found.means[layer] == pytest.approx(expected.means[layer])
    smaller = embedded_style("sea", 24, LAYERS, shipped)
    assert not torch.allclose(smaller.grams["relu1_1"], found.grams["relu1_1"], rtol=1e-3)


@pytest.mark.parametrize(
    ("image", "size", "layers", "says"),
    [
        ("lake.jpg", 48, LAYERS, "'lake.jpg', only of sea"),
        ("sea.jpg", 64, LAYERS, "size of 24, 48, not 64"),
        ("sea.jpg", 48, ("relu3_1",), "no relu3_1, only relu1_1, relu2_1"),
    ],
)
def test_what_is_not_shipped_is_named(
    shipped: Path, image: str, size: int, layers: tuple[str, ...], says: str
) -> None:
    with pytest.raises(AssetError, match=says):
        embedded_style(image, size, layers, shipped)


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "styles.safetensors"
    path.write_bytes(content)
    with pytest.raises(AssetError, match="no file of style statistics"):
        embedded_style("sea", 48, LAYERS, path)


def test_a_file_without_scales_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "styles.safetensors"
    save_file({"sea.48.relu1_1": torch.zeros(3)}, path, {"fst": json.dumps({})})
    with pytest.raises(AssetError, match="no file of style statistics"):
        embedded_style("sea", 48, ("relu1_1",), path)


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
