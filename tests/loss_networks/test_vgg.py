"""Against torchvision's VGG-19 and the golden fingerprints; where weights come from."""

import hashlib
import json
import os
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.models import VGG19_Weights
from torchvision.transforms.functional import normalize

from fst.errors import AssetError, InputError
from fst.loss_networks.layers import CHANNELS, LAYERS, check_layers, convolution_shapes
from fst.loss_networks.vgg import VGG19
from fst.loss_networks.weights import WEIGHTS

DOWNLOAD = torch.hub.download_url_to_file

SHALLOW = 12  # torchvision's features[:12] end with relu3_1


def torchvision_features() -> nn.Sequential:
    """Torchvision's layers, without the memory for their weights."""
    with torch.device("meta"):
        features: nn.Sequential = torchvision.models.vgg19(init_weights=False).features
    return features


def random_state(depth: int = SHALLOW, seed: int = 0) -> dict[str, Tensor]:
    """Random weights AND biases in torchvision's shapes, for its first ``depth`` layers."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for key, value in torchvision_features()[:depth].state_dict().items():
        scale = (2 / value[0].numel()) ** 0.5 if value.dim() == 4 else 0.5
        state[f"features.{key}"] = torch.randn(value.shape, generator=generator) * scale
    return state


def reference(
    images: Tensor, state: dict[str, Tensor], depth: int = SHALLOW, average: bool = False
) -> list[Tensor]:
    """The output of each of torchvision's first ``depth`` layers, in the dtype of ``images``."""
    stack = torchvision_features()[:depth]
    own = {key.removeprefix("features."): value.to(images.dtype) for key, value in state.items()}
    stack.load_state_dict(own, assign=True)
    x = normalize(images, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    outputs = []
    with torch.no_grad():
        for layer in stack:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
            if average and isinstance(layer, nn.MaxPool2d):
                layer = nn.AvgPool2d(2, 2)
            x = layer(x)
            outputs.append(x)
    return outputs


def picture(height: int = 32, width: int = 24, count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def shallow_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A weights file that ends with conv3_1."""
    path = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    save_file(random_state(), path)
    return str(path)


# --- layers ----------------------------------------------------------------------------------


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


def test_features_equal_torchvisions_at_every_layer(shallow_file: str) -> None:
    names = list(LAYERS)[:SHALLOW]
    features = VGG19(names, shallow_file)(picture(), names)
    expected = reference(picture().double(), random_state())
    assert list(features) == names
    for name, value in zip(names, expected, strict=True):
        assert features[name].shape == value.shape
        torch.testing.assert_close(features[name].double(), value, rtol=1e-5, atol=1e-5)


def test_odd_sizes_are_halved_as_torchvision_does(shallow_file: str) -> None:
    images = picture(19, 21, 1)
    features = VGG19(["relu3_1"], shallow_file)(images, ["relu3_1"])["relu3_1"]
    assert features.shape == (1, 256, 4, 5)
    expected = reference(images.double(), random_state())[LAYERS["relu3_1"]]
    torch.testing.assert_close(features.double(), expected, rtol=1e-5, atol=1e-5)


def test_a_convolution_keeps_its_negatives_and_its_relu_has_none(shallow_file: str) -> None:
    names = ["conv1_2", "relu1_2", "conv3_1", "relu3_1"]
    features = VGG19(names, shallow_file)(picture(), names)
    for conv, relu in (("conv1_2", "relu1_2"), ("conv3_1", "relu3_1")):
        negative = features[conv] < 0
        assert 0.1 < negative.float().mean() < 0.9
        assert (features[relu] >= 0).all()
        assert (features[relu][negative] == 0).all()
        assert torch.equal(features[relu][~negative], features[conv][~negative])


def test_average_pooling_equals_torchs(shallow_file: str) -> None:
    names = ["pool1", "relu3_1"]
    features = VGG19(names, shallow_file, pooling="avg")(picture(), names)
    expected = reference(picture().double(), random_state(), average=True)
    for name in names:
        got = features[name].double()
        torch.testing.assert_close(got, expected[LAYERS[name]], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(
        VGG19(names, shallow_file)(picture(), names)["pool1"], features["pool1"]
    )


def test_features_come_in_the_order_asked(shallow_file: str) -> None:
    names = ["relu2_1", "conv1_1", "pool1"]
    assert list(VGG19(names, shallow_file)(picture(), iter(names))) == names


def test_the_gradient_reaches_the_picture_and_equals_torchvisions() -> None:
    images = picture(16, 16, 1).requires_grad_()
    exact = images.detach().double().requires_grad_()
    network = VGG19(["relu1_2"], "random")
    network(images, ["relu1_2"])["relu1_2"].square().sum().backward()
    x = normalize(exact, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
    for index in (0, 2):
        weight = getattr(network, f"features_{index}_weight").double()
        bias = getattr(network, f"features_{index}_bias").double()
        x = torch.relu(torch.conv2d(x, weight, bias, padding=1))
    x.square().sum().backward()
    assert images.grad is not None
    torch.testing.assert_close(images.grad.double(), exact.grad, rtol=1e-4, atol=1e-4)


class _CountConvolutions(TorchDispatchMode):
    """Counts the convolutions that torch really runs."""

    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.count += "convolution" in func.name()
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("layer", "convolutions"), [("conv1_1", 1), ("relu1_2", 2), ("pool1", 2), ("relu3_1", 5)]
)
def test_nothing_deeper_than_the_deepest_layer_is_computed(
    layer: str, convolutions: int, shallow_file: str
) -> None:
    network = VGG19(["relu3_1"], shallow_file)
    with _CountConvolutions() as counter, torch.no_grad():
        network(picture(), ["relu1_1", layer] if layer != "conv1_1" else [layer])
    assert counter.count == convolutions


def test_nothing_deeper_than_the_deepest_layer_is_loaded(shallow_file: str) -> None:
    state = random_state()
    network = VGG19(["relu2_1", "conv1_2"], shallow_file)
    wanted = sum(
        state[f"features.{i}.{kind}"].numel() for i in (0, 2, 5) for kind in ("weight", "bias")
    )
    assert sum(buffer.numel() for buffer in network.buffers()) == wanted + 6  # mean and std
    with pytest.raises(InputError, match="loaded only up to relu2_1"):
        network(picture(), ["relu1_1", "conv2_2"])


def test_nothing_of_it_trains_or_is_saved(shallow_file: str) -> None:
    network = VGG19(["relu1_1"], shallow_file)
    assert list(network.parameters()) == []
    assert network.state_dict() == {}
    assert not any(buffer.requires_grad for buffer in network.buffers())


def test_an_unknown_layer_lists_the_names() -> None:
    for make in (
        lambda: VGG19(["relu6_1"], "random"),
        lambda: VGG19(["relu1_1"], "random")(picture(), ["relu6_1"]),
        lambda: check_layers(["relu1_1", "relu6_1"]),
    ):
        with pytest.raises(InputError, match="no layer 'relu6_1'") as caught:
            make()
        listed = str(caught.value).partition("there are ")[2].split(", ")
        assert listed == list(LAYERS)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(InputError, match="pooling must be max or avg, not 'min'"):
        VGG19(["relu1_1"], "random", pooling="min")


# --- precision -------------------------------------------------------------------------------


def test_bf16_features_are_bf16_and_near(shallow_file: str) -> None:
    names = ["conv1_1", "relu3_1"]
    features = VGG19(names, shallow_file, dtype=torch.bfloat16)(picture(), names)
    expected = reference(picture().double(), random_state())
    for name in names:
        assert features[name].dtype == torch.bfloat16
        error = (features[name].double() - expected[LAYERS[name]]).norm()
        assert error < 0.03 * expected[LAYERS[name]].norm()


def test_autocast_does_not_lower_the_precision(shallow_file: str) -> None:
    network = VGG19(["relu3_1"], shallow_file)
    with torch.autocast("cpu", torch.bfloat16):
        features = network(picture().bfloat16().float(), ["relu3_1"])["relu3_1"]
    expected = reference(picture().bfloat16().double(), random_state())[LAYERS["relu3_1"]]
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.double(), expected, rtol=1e-5, atol=1e-5)


def _made_double(path: str) -> VGG19:
    return VGG19(["relu2_1"], path, dtype=torch.float64)


def _turned_double(path: str) -> VGG19:
    return VGG19(["relu2_1"], path).double()


@pytest.mark.parametrize(
    ("make", "tolerance"),
    [(_made_double, 1e-12), (_turned_double, 1e-5)],  # the latter's mean was float32 once
)
def test_a_double_network_computes_in_double_precision(
    make: Callable[[str], VGG19], tolerance: float, shallow_file: str
) -> None:
    images = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    features = make(shallow_file)(images, ["relu2_1"])["relu2_1"]
    expected = reference(images, random_state())[LAYERS["relu2_1"]]
    assert features.dtype == torch.float64
    torch.testing.assert_close(features, expected, rtol=tolerance, atol=tolerance)


# --- where weights come from -----------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Empty folders in all places, and a download that has no network."""
    folders = {
        "assets": tmp_path / "assets" / "weights",
        "cache": tmp_path / "cache" / "fst" / "weights",
        "hub": tmp_path / "torch" / "hub" / "checkpoints",
        "here": tmp_path / "here",
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.chdir(folders["here"])

    def fail(*args: Any, **kwargs: Any) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    return folders


def write_torchvision(path: Path, state: dict[str, Tensor]) -> str:
    """Writes a stand-in for torchvision's file and gives its checksum."""
    torch.save(state, path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def trust(monkeypatch: pytest.MonkeyPatch, source: str, *sha256: str) -> None:
    monkeypatch.setitem(WEIGHTS, source, replace(WEIGHTS[source], sha256=sha256))


@pytest.mark.parametrize("weights", ["auto", "torchvision"])
def test_without_weights_and_network_the_error_names_the_four_places(
    weights: str, places: dict[str, Path]
) -> None:
    with pytest.raises(AssetError) as caught:
        VGG19(["relu1_1"], weights)
    message = str(caught.value)
    assert "(1) that path" in message
    assert f"(2) the FST_ASSETS folder: {places['assets']}" in message
    assert f"(3) the cache: {places['cache']}" in message
    assert re.search(r"\(4\) a download: .*failed: no route to host", message)
    assert "set FST_ASSETS" in message


def test_the_error_names_torch_hubs_cache_which_it_looked_into(places: dict[str, Path]) -> None:
    with pytest.raises(AssetError) as caught:
        VGG19(["relu1_1"], "torchvision")
    assert str(places["hub"] / "vgg19-dcbb9e9d.pth") in str(caught.value)


@pytest.mark.usefixtures("places")
def test_caffes_weights_are_not_replaced_by_others() -> None:
    with pytest.raises(AssetError, match=r"no weights 'vgg19_caffe_fp16\.safetensors'") as caught:
        VGG19(["relu1_1"], "caffe")
    assert "(4) a download: there is none" in str(caught.value)


@pytest.mark.parametrize("weights", ["torchvision", "auto"])
@pytest.mark.parametrize("place", ["hub", "assets", "cache"])
def test_torchvisions_file_is_loaded_from_wherever_it_lies(
    place: str, weights: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write_torchvision(places[place] / "vgg19-dcbb9e9d.pth", random_state())
    trust(monkeypatch, "torchvision", digest)
    network = VGG19(["relu2_1"], weights)
    expected = reference(picture(), random_state())[LAYERS["relu2_1"]]
    features = network(picture(), ["relu2_1"])["relu2_1"]
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    assert network.describe() == {
        "architecture": "vgg19",
        "weights": "torchvision",
        "sha256": digest,
        "pooling": "max",
    }


def test_the_assets_folder_comes_before_torch_hubs_cache(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = write_torchvision(places["hub"] / "vgg19-dcbb9e9d.pth", random_state(seed=1))
    given = write_torchvision(places["assets"] / "vgg19-dcbb9e9d.pth", random_state(seed=2))
    trust(monkeypatch, "torchvision", cached, given)
    assert VGG19(["relu1_1"], "torchvision").sha256 == given


@pytest.fixture
def download(places: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the download gives, in place of torchvision's file: torch's own code gets it."""
    served = tmp_path / "served" / "vgg19-dcbb9e9d.pth"
    served.parent.mkdir()
    monkeypatch.setattr(torch.hub, "download_url_to_file", DOWNLOAD)
    entry = replace(VGG19_Weights.IMAGENET1K_V1.value, url=served.as_uri())
    monkeypatch.setattr(VGG19_Weights.IMAGENET1K_V1, "_value_", entry)
    return served


def test_torchvisions_file_is_downloaded_into_torch_hubs_cache(
    places: dict[str, Path], download: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trust(monkeypatch, "torchvision", write_torchvision(download, random_state()))
    network = VGG19(["relu1_1"], "auto")
    assert network.source == "torchvision"
    torch.testing.assert_close(network.features_0_weight, random_state()["features.0.weight"])
    cached = places["hub"] / "vgg19-dcbb9e9d.pth"
    assert cached.read_bytes() == download.read_bytes()
    assert list(places["hub"].iterdir()) == [cached]
    download.unlink()  # and the next time nothing is downloaded
    assert VGG19(["relu1_1"], "torchvision").sha256 == network.sha256


@pytest.mark.usefixtures("places")
def test_the_cache_may_have_to_be_made_first(
    download: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "new" / "torch"))
    trust(monkeypatch, "torchvision", write_torchvision(download, random_state()))
    assert VGG19(["relu1_1"], "torchvision").source == "torchvision"


class _Bomb:
    """A pickle that makes a file as soon as somebody loads it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_download_of_another_digest_is_neither_kept_nor_unpickled(
    places: dict[str, Path], download: Path, tmp_path: Path
) -> None:
    torch.save({"features.0.weight": _Bomb(tmp_path / "exploded")}, download)
    with pytest.raises(AssetError, match=r"\(4\) a download: .*failed.*dcbb9e9d") as caught:
        VGG19(["relu1_1"], "torchvision")
    assert "\n" not in str(caught.value)
    assert list(places["hub"].iterdir()) == []
    assert not (tmp_path / "exploded").exists()


@pytest.mark.usefixtures("places")
def test_eight_digits_that_agree_are_not_enough(
    download: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = write_torchvision(download, random_state())
    trust(monkeypatch, "torchvision", digest[:8] + "0" * 56)
    with pytest.raises(AssetError, match="download"):
        VGG19(["relu1_1"], "torchvision")


def test_a_file_of_the_right_digest_still_runs_no_code(
    places: dict[str, Path], download: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"features.0.weight": _Bomb(tmp_path / "exploded")}, download)
    trust(monkeypatch, "torchvision", hashlib.sha256(download.read_bytes()).hexdigest())
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        VGG19(["relu1_1"], "torchvision")
    assert not (tmp_path / "exploded").exists()
    torch.load(download, weights_only=False)  # the bomb is live
    assert (tmp_path / "exploded").exists()


def test_what_is_known_of_every_source_is_its_whole_digest() -> None:
    for source in WEIGHTS.values():
        assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in source.sha256)
    # what torchvision itself publishes: the first digits, in the name
    (published,) = re.findall("-([0-9a-f]+).pth", VGG19_Weights.IMAGENET1K_V1.url)
    assert WEIGHTS["torchvision"].sha256[0].startswith(published)
    assert WEIGHTS["torchvision"].file == Path(VGG19_Weights.IMAGENET1K_V1.url).name


def test_auto_prefers_caffes_weights(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = places["assets"] / "vgg19_caffe_fp16.safetensors"
    save_file({key: value.half() for key, value in random_state().items()}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    trust(monkeypatch, "caffe", digest)
    other = write_torchvision(places["hub"] / "vgg19-dcbb9e9d.pth", random_state(seed=1))
    trust(monkeypatch, "torchvision", other)
    for weights in ("auto", "caffe", str(path), path.name):
        network = VGG19(["relu1_1"], weights)
        assert (network.source, network.sha256) == ("caffe", digest)
        assert network.features_0_weight.dtype == torch.float32
        stored = random_state()["features.0.weight"].half().float()
        assert torch.equal(network.features_0_weight, stored)


@pytest.mark.parametrize("weights", ["auto", "caffe", "path"])
def test_a_file_called_like_caffes_with_other_content_is_refused(
    weights: str, places: dict[str, Path]
) -> None:
    path = places["assets"] / "vgg19_caffe_fp16.safetensors"
    save_file(random_state(), path)
    got = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(AssetError, match=f"SHA-256 is {got[:16]}.*4a34924b2e930424"):
        VGG19(["relu1_1"], str(path) if weights == "path" else weights)


def test_a_file_called_like_torchvisions_with_other_content_is_refused(
    places: dict[str, Path],
) -> None:
    write_torchvision(places["hub"] / "vgg19-dcbb9e9d.pth", random_state(3))
    with pytest.raises(AssetError, match=r"SHA-256 is .*dcbb9e9d"):
        VGG19(["relu1_1"], "torchvision")


def test_a_file_of_ones_own_is_described_by_its_checksum(shallow_file: str) -> None:
    description = VGG19(["relu1_1"], shallow_file, pooling="avg").describe()
    assert description == {
        "architecture": "vgg19",
        "weights": "file",
        "sha256": hashlib.sha256(Path(shallow_file).read_bytes()).hexdigest(),
        "pooling": "avg",
    }


def test_a_missing_tensor_is_named(tmp_path: Path, shallow_file: str) -> None:
    state = random_state()
    del state["features.5.bias"]
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(AssetError, match=r"a\.safetensors lacks the tensor 'features\.5\.bias'"):
        VGG19(["relu2_1"], str(tmp_path / "a.safetensors"))
    VGG19(["relu1_2"], str(tmp_path / "a.safetensors"))  # not needed there
    with pytest.raises(AssetError, match=r"lacks the tensor 'features\.12\.weight'"):
        VGG19(["conv3_2"], shallow_file)


def test_a_misshapen_tensor_is_named(tmp_path: Path) -> None:
    state = random_state()
    state["features.2.weight"] = state["features.2.weight"][:, :32].contiguous()
    save_file(state, tmp_path / "a.safetensors")
    with pytest.raises(AssetError) as caught:
        VGG19(["relu1_2"], str(tmp_path / "a.safetensors"))
    message = str(caught.value)
    assert "features.2.weight has shape (64, 32, 3, 3), expected (64, 64, 3, 3)" in message


@pytest.mark.parametrize("content", [b"", b"not a safetensors file", bytes(1000)])
def test_a_file_that_is_no_safetensors_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(content)
    with pytest.raises(AssetError, match=r"a\.safetensors is not a readable safetensors file"):
        VGG19(["relu1_1"], str(tmp_path / "a.safetensors"))


@pytest.mark.parametrize("name", ["mine.pth", "vgg19-dcbb9e9d.pth", "vgg19"])
def test_a_pickle_is_refused_and_the_choices_are_named(name: str, tmp_path: Path) -> None:
    torch.save(random_state(3), tmp_path / name)
    with pytest.raises(InputError) as caught:
        VGG19(["relu1_1"], str(tmp_path / name))
    message = str(caught.value)
    assert name in message
    for choice in ("auto", "caffe", "torchvision", "random", ".safetensors"):
        assert choice in message


@pytest.mark.usefixtures("places")
def test_a_weights_file_that_is_nowhere_is_an_asset_error() -> None:
    with pytest.raises(AssetError, match=r"no weights 'mine\.safetensors'"):
        VGG19(["relu1_1"], "mine.safetensors")


def test_random_weights_are_the_same_each_time_and_announced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = VGG19(["relu2_1"], "random"), VGG19(["relu1_2"], "random")
    assert "RANDOM" in capsys.readouterr().out
    assert torch.equal(one.features_2_weight, two.features_2_weight)
    assert one.describe()["weights"] == "random"


# --- the real weights ------------------------------------------------------------------------


def test_fingerprints_of_the_louvre_equal_the_golden_ones(assets_folder: Path) -> None:
    golden = assets_folder / "reference" / "golden.json"
    if not golden.is_file():
        pytest.skip("needs reference/golden.json in FST_ASSETS")
    fingerprints = json.loads(golden.read_text())["fingerprints_louvre_160x120"]
    with Image.open(assets_folder / "photos" / "content" / "louvre.jpg") as image:
        small = image.convert("RGB").resize((160, 120), Image.Resampling.BICUBIC)
    louvre = torch.from_numpy(np.asarray(small, np.float32) / 255).permute(2, 0, 1)[None]
    network = VGG19(fingerprints, str(assets_folder / "weights" / "vgg19_caffe_fp16.safetensors"))
    assert network.source == "caffe"
    with torch.no_grad():
        features = network(louvre, fingerprints)
    for layer, expected in fingerprints.items():
        values = features[layer].double()
        assert list(values.shape) == expected["shape"], layer
        assert values.mean().item() == pytest.approx(expected["mean"], rel=1e-4), layer
        assert values.norm().item() == pytest.approx(expected["l2"], rel=1e-4), layer
        assert values.max().item() == pytest.approx(expected["max"], rel=1e-4), layer
        assert values.min().item() == pytest.approx(expected["min"], rel=1e-4), layer
    assert features["conv4_2"].min() < 0


@pytest.mark.parametrize("size", [(1, 40), (40, 3)])
def test_a_picture_too_small_for_the_layers_is_one_line(
    shallow_file: str, size: tuple[int, int]
) -> None:
    vgg = VGG19(["relu3_1"], weights=shallow_file)
    assert vgg(picture(4, 40), ["relu3_1"])["relu3_1"].shape[2:] == (1, 10)
    with pytest.raises(InputError, match=rf"{size[1]}x{size[0]}.*too small"):
        vgg(picture(*size), ["relu3_1"])
