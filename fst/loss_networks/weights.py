"""The weights of loss networks, read and checked."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from fst import assets
from fst.errors import AssetError, InputError
from fst.loss_networks.architectures import (
    ARCHITECTURES,
    CHANNELS,
    SUFFIX,
    check_layers,
    chosen_network,
)
from fst.loss_networks.layers import convolution_shapes, metric_shapes
from fst.loss_networks.sources import SLIM_INSTEAD, SOURCES, WEIGHTS, WeightSource, find_weights
from fst.system.files import utf8_path


def load_weights(
    weights: str, depth: int, network: str | None = None
) -> tuple[dict[str, Tensor], str, str, WeightSource]:
    """The tensors up to layer index ``depth``, and where they are from.

    The last three are the name of the source (``"file"`` for a file of the user's), the checksum,
    and what is known of such weights: architecture, normalization.

    Args:
        weights: as for :class:`~fst.loss_networks.vgg.VGG19`, and so is ``network``.
        depth: index of the deepest layer that is needed.
        network: as there.

    Raises:
        InputError: an unknown source, weights of another network, or a layer that it lacks.
        AssetError: weights that can't be had, are damaged, or lack a tensor.
    """
    network, weights = chosen_network(network, weights)
    architecture = network or "vgg19"
    title, layers = ARCHITECTURES[architecture].title, ARCHITECTURES[architecture].layers
    if weights == "random":
        print(f"{title} has RANDOM weights: good for tests, its losses mean nothing", flush=True)
        known = SOURCES[architecture]["torchvision"]
        return _random_weights(depth, layers), "random", "random:0", known
    try:
        source, path = find_weights(weights, architecture)
    except AssetError as error:
        if Path(weights).suffix == SUFFIX:  # that file is asked for, and no other
            raise
        raise AssetError(f"{error}. {SLIM_INSTEAD[architecture]}") from error
    listed = SOURCES[architecture].get(source)
    sha256 = assets.check_sha256(path, listed.sha256 if listed else ("",))
    if listed is None:
        known, channels = _of_file(path, network)
    else:
        known, channels = listed, listed.channels
    shapes = convolution_shapes(depth, channels, layers)
    if channels != CHANNELS:
        shapes |= metric_shapes(depth, channels)
        check_layers([list(layers)[depth]], "slim")
    if path.suffix == ".pth" and source == "torchvision":
        state = torch.load(path, map_location="cpu", weights_only=True)
    else:
        state = _read_safetensors(path, shapes)
    for key, shape in shapes.items():
        if key not in state:
            raise AssetError(f"{path} lacks the tensor {key!r}: these are not {title}'s weights")
        if state[key].shape != shape:
            got = tuple(state[key].shape)
            raise AssetError(f"{path}: {key} has shape {got}, expected {tuple(shape)}")
    return {key: state[key] for key in shapes}, source, sha256, known


def _random_weights(depth: int, layers: Mapping[str, int]) -> dict[str, Tensor]:
    """The same each time; He initialization: activations keep their scale from layer to layer."""
    generator = torch.Generator().manual_seed(0)
    return {
        key: torch.randn(shape, generator=generator) * (2 / (9 * shape[1])) ** 0.5
        if len(shape) == 4
        else torch.zeros(shape)
        for key, shape in convolution_shapes(depth, CHANNELS, layers).items()
    }


def _slim_channels(path: Path) -> tuple[int, ...] | None:
    """The channels of a slim network's blocks, if the file says that it is one."""
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("fst", "{}"))
        if about.get("architecture") != WEIGHTS["slim"].architecture:
            return None
        channels = tuple(int(count) for count in about["channels"])
        return channels if len(channels) == len(CHANNELS) else None
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, AttributeError):
        return None


def _of_file(path: Path, network: str | None) -> tuple[WeightSource, tuple[int, ...]]:
    """What is known of a user's file, and the channels of its blocks.

    Raises:
        InputError: it holds another network than the one that is asked for.
    """
    slim = _slim_channels(path)
    if slim is not None and network in (None, "slim"):
        return WEIGHTS["slim"], slim
    theirs = "slim" if slim is not None else _telling(path)
    if theirs is not None and theirs != (network or "vgg19"):
        asked = f"not {ARCHITECTURES[network or 'vgg19'].title}'s"
        raise InputError(
            f"{path} has the weights of {ARCHITECTURES[theirs].title}, {asked}: give loss_network "
            f"{theirs} (--loss-network {theirs}, loss.network={theirs})"
        )
    if network == "slim":
        raise InputError(f"{path} does not say that it is a slim network (docs/slim.md)")
    return SOURCES[network or "vgg19"]["torchvision"], CHANNELS


def _telling(path: Path) -> str | None:
    """Which VGG a file holds, by the place of its eighth convolution; None where it ends before."""
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            keys = set(file.keys())
    except (SafetensorError, OSError):
        return None  # said where it is read
    places = {
        name: [i for layer, i in ARCHITECTURES[name].layers.items() if layer.startswith("conv")]
        for name in ("vgg16", "vgg19")
    }
    here = [name for name, found in places.items() if f"features.{found[7]}.weight" in keys]
    return here[0] if len(here) == 1 else None


def _read_safetensors(path: Path, shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt") as file:
            return {key: file.get_tensor(key) for key in shapes if key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise AssetError(f"{path} is not a readable safetensors file: {error}") from error
