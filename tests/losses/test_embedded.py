"""fst.losses.embedded: statistics of paintings that come with the package."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fst.errors import AssetError
from fst.loss_networks.vgg import VGG19
from fst.losses.embedded import embedded_style, write_statistics
from fst.losses.statistics import measure_style

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
