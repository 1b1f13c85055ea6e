"""VGG-16 beside torchvision's, in files of its format: no weights of it are needed."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision_vgg import random_state, reference

from fst.errors import AssetError, InputError
from fst.loss_networks.architectures import ARCHITECTURES
from fst.loss_networks.sources import SOURCES, at_hand
from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import PerceptualLoss

DEPTH = 19  # torchvision's features[:19] end with relu4_1, where VGG-19 has conv4_1 alone
LAYERS = ARCHITECTURES["vgg16"].layers
NAMES = ["relu1_2", "relu2_2", "relu3_3", "pool3", "relu4_1"]


def picture(height: int = 32, width: int = 24) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return random_state(DEPTH, network="vgg16")


@pytest.fixture(scope="module")
def file(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("weights") / "sixteen.safetensors"
    save_file(state, path)
    return str(path)


@pytest.fixture
def published(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """A stand-in for torchvision's file among the assets, and its checksum."""
    monkeypatch.setenv("FST_ASSETS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "weights" / "vgg16-397923af.pth"
    path.parent.mkdir()
    torch.save(state, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    known = replace(SOURCES["vgg16"]["torchvision"], sha256=(digest,))
    monkeypatch.setitem(SOURCES["vgg16"], "torchvision", known)
    return path, digest


def check_features(network: VGG19, state: dict[str, Tensor]) -> None:
    features = network(picture(), NAMES)
    expected = reference(picture().double(), state, DEPTH, network="vgg16")
    for name in NAMES:
        got, wanted = features[name].double(), expected[LAYERS[name]]
        scale = wanted.abs().max().item()
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5 * scale)


def test_features_equal_torchvisions(file: str, state: dict[str, Tensor]) -> None:
    network = VGG19(NAMES, file, network="vgg16")
    assert network.describe()["architecture"] == "vgg16"
    check_features(network, state)


@pytest.mark.parametrize("weights", ["auto", "torchvision"])
def test_torchvisions_file_is_found_checked_and_loaded(
    weights: str, published: tuple[Path, str], state: dict[str, Tensor]
) -> None:
    network = VGG19(NAMES, weights, network="vgg16")
    check_features(network, state)
    assert network.describe() == {
        "architecture": "vgg16", "weights": "torchvision", "sha256": published[1], "pooling": "max",
    }  # fmt: skip
    assert at_hand("vgg16") == published[0]


def test_the_checksum_of_the_published_file_is_whole_and_begins_as_its_name_says() -> None:
    (sha256,) = SOURCES["vgg16"]["torchvision"].sha256
    assert len(sha256) == 64
    assert SOURCES["vgg16"]["torchvision"].file == f"vgg16-{sha256[:8]}.pth"


def test_a_damaged_file_is_refused(published: tuple[Path, str]) -> None:
    path, _ = published
    content = bytearray(path.read_bytes())
    content[-200] ^= 1
    path.write_bytes(content)
    with pytest.raises(AssetError, match="vgg16-397923af"):
        VGG19(["relu1_1"], network="vgg16")


def test_without_file_and_network_the_error_speaks_of_vgg16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FST_ASSETS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    asked: list[str] = []

    def fail(url: str, *_: object) -> None:
        asked.append(url)
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(AssetError, match="VGG-16 can't be had") as caught:
        VGG19(["relu1_1"], network="vgg16")
    assert "VGG-19" not in str(caught.value)
    assert asked[0].endswith("vgg16-397923af.pth")


def test_a_file_of_the_other_vgg_is_refused_in_one_line(file: str, tmp_path: Path) -> None:
    for network in (None, "vgg19"):
        with pytest.raises(InputError, match="weights of VGG-16, not VGG-19's") as caught:
            VGG19(["relu1_1"], file, network=network)
        assert "--loss-network vgg16" in str(caught.value)
    other = tmp_path / "nineteen.safetensors"
    small = {key: value[:1] for key, value in random_state(17).items()}  # its keys are enough
    save_file({key: value.contiguous() for key, value in small.items()}, other)
    with pytest.raises(InputError, match="weights of VGG-19, not VGG-16's"):
        VGG19(["relu1_1"], str(other), network="vgg16")


def test_a_slim_file_is_no_vgg16_and_a_vgg16_no_slim_network(file: str) -> None:
    slim = str(Path(SOURCES["slim"]["slim"].file))
    from fst.loss_networks.sources import EMBEDDED

    for network in ("vgg16", "vgg19"):
        with pytest.raises(InputError, match=r"weights of the slim network, .*give loss_network"):
            VGG19(["relu1_1"], str(EMBEDDED / slim), network=network)
    assert VGG19(["relu1_1"], str(EMBEDDED / slim), network="slim").architecture == "vgg19-slim"
    with pytest.raises(InputError, match="weights of VGG-16"):
        VGG19(["relu1_1"], file, network="slim")


def test_a_layer_that_vgg16_lacks_is_refused(file: str) -> None:
    with pytest.raises(InputError, match="no layer 'relu4_4' in VGG-16"):
        VGG19(["relu4_4"], file, network="vgg16")
    network = VGG19(["relu4_1"], file, network="vgg16")
    with pytest.raises(InputError, match="no layer 'relu3_4' in VGG-16"):
        network(picture(), ["relu3_4"])


def test_the_loss_tells_its_network_and_the_slim_network_is_the_slim_weights(file: str) -> None:
    layers = {"content_layers": "relu3_3", "style_layers": "relu1_2=1,relu2_2"}
    loss = PerceptualLoss(picture(), weights=file, network="vgg16", **layers)
    assert loss.describe()["loss_network"]["architecture"] == "vgg16"
    assert loss.style_layers == {"relu1_2": 0.5, "relu2_2": 0.5}
    by_weights = PerceptualLoss(picture(), weights="slim", **layers)
    by_name = PerceptualLoss(picture(), network="slim", **layers)
    assert by_name.describe() == by_weights.describe()


def test_who_has_no_vgg16_is_told_what_goes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--weights slim would be refused: they are another network's."""
    monkeypatch.setenv("FST_ASSETS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))

    def unreachable(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    for network, says in (("vgg16", "--loss-network slim"), ("vgg19", "--weights slim")):
        with pytest.raises(AssetError, match=says) as caught:
            VGG19(["relu1_1"], "auto", network=network)
        assert ("--weights slim" in str(caught.value)) == (network == "vgg19")
