"""fst.loss_networks.architectures: which layers a network has, and which weights go with it."""

import subprocess
import sys

import pytest

from fst.choices import NETWORKS
from fst.errors import InputError
from fst.loss_networks.architectures import (
    ARCHITECTURES,
    check_layers,
    chosen_network,
    parse_layers,
)


def test_the_networks_that_can_be_chosen_are_those_there_are() -> None:
    assert set(NETWORKS) == set(ARCHITECTURES)


def test_vgg16_has_thirteen_convolutions_and_vgg19_sixteen() -> None:
    """Simonyan & Zisserman 2014, table 1, columns D and E: with three dense layers 16 and 19."""
    counts = {
        name: sum(layer.startswith("conv") for layer in ARCHITECTURES[name].names)
        for name in ARCHITECTURES
    }
    assert counts == {"vgg16": 13, "vgg19": 16, "slim": 13}  # slim: to the first of block 5


def test_a_layer_that_a_network_lacks_is_named_with_those_it_has() -> None:
    for network, layer in (("vgg16", "relu4_4"), ("vgg19", "relu5_5"), ("slim", "conv6_1")):
        title = ARCHITECTURES[network].title
        with pytest.raises(InputError, match=f"no layer '{layer}' in {title}") as caught:
            check_layers(["relu1_1", layer], network)
        assert str(caught.value).endswith(", ".join(ARCHITECTURES[network].names))
    with pytest.raises(InputError, match="ends at relu5_1: it has no conv5_2"):
        check_layers(["conv5_2"], "slim")


@pytest.mark.parametrize(
    ("network", "weights", "meant"),
    [
        (None, None, ("vgg19", "auto")),
        (None, "slim", ("slim", "slim")),
        (None, "torchvision", ("vgg19", "torchvision")),
        (None, "my.safetensors", (None, "my.safetensors")),  # the file will tell
        ("vgg16", None, ("vgg16", "auto")),
        ("vgg16", "torchvision", ("vgg16", "torchvision")),
        ("vgg16", "my.safetensors", ("vgg16", "my.safetensors")),
        ("vgg19", "caffe", ("vgg19", "caffe")),
        ("slim", None, ("slim", "slim")),
        ("slim", "auto", ("slim", "slim")),
        ("slim", "my.safetensors", ("slim", "my.safetensors")),
    ],
)
def test_network_and_weights_that_go_together(
    network: str | None, weights: str | None, meant: tuple[str | None, str]
) -> None:
    assert chosen_network(network, weights) == meant


@pytest.mark.parametrize(
    ("network", "weights"),
    [("vgg16", "caffe"), ("vgg16", "slim"), ("vgg19", "slim"), ("slim", "caffe"),
     ("slim", "torchvision"), ("slim", "random")],
)  # fmt: skip
def test_weights_of_another_network_are_one_line_that_says_what_goes(
    network: str, weights: str
) -> None:
    with pytest.raises(InputError) as caught:
        chosen_network(network, weights)
    said = str(caught.value)
    assert f"weights {weights}" in said
    assert f"loss_network {network} takes weights auto" in said
    assert "\n" not in said


def test_an_unknown_network_lists_those_there_are() -> None:
    with pytest.raises(InputError, match="one of vgg16, vgg19, slim, not 'vgg11'"):
        chosen_network("vgg11", None)


def test_layers_are_read_from_a_text_or_a_mapping() -> None:
    assert parse_layers("style_layers", "relu1_1=1,relu3_1=2") == {"relu1_1": 1, "relu3_1": 2}
    assert parse_layers("style_layers", " relu1_1 , conv3_1=0.5 ") == {"relu1_1": 1, "conv3_1": 0.5}
    assert parse_layers("style_layers", {"relu1_1": 3}) == {"relu1_1": 3}


@pytest.mark.parametrize(
    "given",
    ["", ",", "relu1_1,", "=1", "relu1_1=x", "relu1_1=-1", "relu1_1=inf", "relu1_1=0", {},
     "relu1_1,relu1_1=2", {"relu1_1": "1"}, {"relu1_1": 0.0}, ["relu1_1"], 3],
)  # fmt: skip
def test_what_is_no_list_of_layers_is_one_line_that_names_the_option(given: object) -> None:
    with pytest.raises(InputError, match="style_layers") as caught:
        parse_layers("style_layers", given)
    assert "\n" not in str(caught.value)


def test_options_are_checked_without_torch() -> None:
    code = "import sys, fst.loss_networks.architectures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
