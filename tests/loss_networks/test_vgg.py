"""fst.loss_networks.vgg: against torchvision's VGG-19 and the golden fingerprints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.transforms.functional import normalize
from torchvision_vgg import SHALLOW, random_state, reference

from fst.errors import InputError
from fst.loss_networks.layers import LAYERS, check_layers
from fst.loss_networks.vgg import VGG19


def picture(height: int = 32, width: int = 24, count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


# --- layers ----------------------------------------------------------------------------------


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
    with pytest.raises(InputError, match="pooling must be one of max, avg, not 'min'"):
        VGG19(["relu1_1"], "random", pooling="min")


# --- padding ---------------------------------------------------------------------------------


def beyond(images: Tensor, padding: str) -> Tensor:
    """A position more on every side, taken from the picture by its index."""
    for axis in (2, 3):
        side = images.shape[axis]
        places = np.pad(np.arange(side), 1, "edge" if padding == "replicate" else "reflect")
        images = images.index_select(axis, torch.from_numpy(places))
    return images


def padded_by_hand(network: VGG19, images: Tensor, padding: str) -> dict[str, Tensor]:
    """The features of every layer, in float64, by convolutions that pad nothing."""
    found: dict[str, Tensor] = {}
    x = normalize(images.double(), mean=network.mean.flatten().tolist(),
                  std=network.std.flatten().tolist())  # fmt: skip
    for name, index in list(LAYERS.items())[: network.depth + 1]:
        if name.startswith("conv"):
            weight = getattr(network, f"features_{index}_weight").double()
            bias = getattr(network, f"features_{index}_bias").double()
            x = torch.conv2d(beyond(x, padding), weight, bias)
        else:
            x = x.relu() if name.startswith("relu") else torch.max_pool2d(x, 2)
        found[name] = x
    return found


@pytest.mark.parametrize("weights", ["random", "slim"])
@pytest.mark.parametrize("padding", ["replicate", "reflect"])
@pytest.mark.parametrize("size", [(32, 24), (17, 19)])
def test_padded_features_and_their_gradient_equal_those_of_valid_convolutions(
    padding: str, weights: str, size: tuple[int, int]
) -> None:
    names = ["conv1_1", "relu1_2", "pool2", "relu3_1"]
    network = VGG19(names, weights, padding=padding)
    images = picture(*size).requires_grad_()
    exact = images.detach().clone().requires_grad_()
    found = network(images, names, metric=False)
    expected = padded_by_hand(network, exact, padding)
    for name in names:
        scale = expected[name].abs().max().item()
        torch.testing.assert_close(
            found[name].double(), expected[name], rtol=1e-5, atol=1e-5 * scale
        )
    found["relu3_1"].square().mean().backward()
    expected["relu3_1"].square().mean().backward()
    assert images.grad is not None
    assert exact.grad is not None
    scale = exact.grad.abs().max().item()
    torch.testing.assert_close(images.grad, exact.grad, rtol=1e-3, atol=1e-5 * scale)


def test_a_plain_picture_has_the_same_features_at_its_border_unless_zeros_pad() -> None:
    plain = torch.full((1, 3, 32, 32), 0.8)
    for padding, alike in (("zeros", False), ("replicate", True), ("reflect", True)):
        features = VGG19(["relu3_1"], "slim", padding=padding)(plain, ["relu3_1"])["relu3_1"]
        middle = features[..., 4:5, 4:5]
        same = torch.allclose(features, middle.expand_as(features), rtol=1e-4, atol=1e-5)
        assert same == alike, padding


def test_bf16_features_are_padded_in_bf16() -> None:
    network = VGG19(["relu2_1"], "slim", dtype=torch.bfloat16, padding="reflect")
    features = network(picture(), ["relu2_1"], metric=False)["relu2_1"]
    expected = padded_by_hand(network, picture(), "reflect")["relu2_1"]
    assert features.dtype == torch.bfloat16
    assert (features.double() - expected).norm() < 0.03 * expected.norm()


def test_first_replicates_at_the_first_convolution_and_pads_with_zeros_behind_it() -> None:
    """As in the well-known PyTorch project, against a stack of torch's own convolutions."""
    network = VGG19(["relu2_1"], "random", padding="first")
    images = picture(17, 19)
    found = network(images, ["conv1_1", "conv1_2", "relu2_1"])
    x = normalize(images.double(), mean=network.mean.flatten().tolist(),
                  std=network.std.flatten().tolist())  # fmt: skip
    weights = [getattr(network, f"features_{i}_weight").double() for i in (0, 2, 5)]
    modes = ("replicate", "zeros", "zeros")
    layers = [
        torch.nn.Conv2d(*w.shape[1::-1], 3, padding=1, padding_mode=mode, bias=False).double()
        for w, mode in zip(weights, modes, strict=True)
    ]  # random weights have no biases
    for layer, weight in zip(layers, weights, strict=True):
        layer.weight.data.copy_(weight)
    with torch.no_grad():
        first = layers[0](x)
        second = layers[1](first.relu())
        third = layers[2](torch.max_pool2d(second.relu(), 2)).relu()
    for name, expected in (("conv1_1", first), ("conv1_2", second), ("relu2_1", third)):
        torch.testing.assert_close(found[name].double(), expected, rtol=1e-4, atol=1e-4)


def test_an_unknown_padding_is_refused() -> None:
    with pytest.raises(InputError, match="padding must be one of zeros, replicate, reflect"):
        VGG19(["relu1_1"], "random", padding="circular")


def test_the_padding_is_told_where_it_is_not_vggs_own() -> None:
    told = {p: VGG19(["relu1_1"], "slim", padding=p).describe() for p in ("zeros", "reflect")}
    assert "padding" not in told["zeros"]  # as in checkpoints of before there was a choice
    assert told["reflect"] == {**told["zeros"], "padding": "reflect"}


def test_a_single_row_of_features_reflects_itself() -> None:
    network = VGG19(["relu5_1"], "slim", padding="reflect")
    found = network(picture(16, 80), ["relu5_1"], metric=False)["relu5_1"]
    assert found.shape[2:] == (1, 5)
    expected = padded_by_hand(network, picture(16, 80), "reflect")["relu5_1"]
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


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
    with pytest.raises(InputError, match=rf"{size[1]}x{size[0]}.*too small.* 4 pixels"):
        vgg(picture(*size), ["relu3_1"])
