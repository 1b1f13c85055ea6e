"""The networks that can judge: their layers by name, and whose weights go with which.

Light: options are checked by it before torch is imported.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from fst.choices import NETWORKS
from fst.errors import InputError
from fst.system.checks import number, one_of, shown

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the five blocks of VGG-16 and VGG-19."""


@dataclass(frozen=True)
class Architecture:
    """A network of five blocks of 3x3 convolutions, with a pooling behind each.

    Attributes:
        title: what it is called in messages.
        convolutions: how many each block has.
        last: the deepest layer that there is; None is the fifth pooling.
    """

    title: str
    convolutions: tuple[int, int, int, int, int]
    last: str | None = None

    @cached_property
    def layers(self) -> dict[str, int]:
        """Layer name -> its index in torchvision's ``features``."""
        names = []
        for block, count in enumerate(self.convolutions, 1):
            for i in range(1, count + 1):
                names += [f"conv{block}_{i}", f"relu{block}_{i}"]
            names.append(f"pool{block}")
        return {name: index for index, name in enumerate(names)}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the layers that can be asked for, from the picture on."""
        names = tuple(self.layers)
        return names if self.last is None else names[: self.layers[self.last] + 1]


ARCHITECTURES = {
    "vgg16": Architecture("VGG-16", (2, 2, 3, 3, 3)),
    "vgg19": Architecture("VGG-19", (2, 2, 4, 4, 4)),
    "slim": Architecture("the slim network", (2, 2, 4, 4, 4), "relu5_1"),
}
"""Loss networks by name, those of :data:`~fst.choices.NETWORKS`. VGG-16 and VGG-19 are columns D
and E of table 1 in Simonyan & Zisserman 2014; the slim network is in docs/slim.md."""

_SOURCES = {"vgg16": ("torchvision",), "vgg19": ("caffe", "torchvision"), "slim": ("slim",)}
"""Network -> the names of weights for it; besides, of all: auto, random, and files."""

SUFFIX = ".safetensors"
"""Of a file of weights."""


def chosen_network(network: str | None, weights: str | None) -> tuple[str | None, str]:
    """The network and the weights that are meant, once it is known that they go together.

    Args:
        network: one of :data:`ARCHITECTURES`; None is what the weights are of.
        weights: as for :class:`~fst.loss_networks.vgg.VGG19`; None is ``"auto"``.

    Returns:
        The network, which is None where only a file can tell, and the weights.

    Raises:
        InputError: an unknown network, or weights of another one.
    """
    weights = "auto" if weights is None else weights
    if network is None:
        if weights.endswith(SUFFIX):
            return None, weights
        return ("slim" if weights == "slim" else "vgg19"), weights
    one_of("loss_network", network, NETWORKS)
    if network == "slim" and weights == "auto":
        return network, "slim"
    of_others = {name for names in _SOURCES.values() for name in names} - {*_SOURCES[network]}
    if weights in of_others or (network == "slim" and weights == "random"):
        allowed = ", ".join(("auto", *_SOURCES[network]))
        raise InputError(
            f"weights {weights} are not {ARCHITECTURES[network].title}'s: loss_network {network} "
            f"takes weights {allowed} or a {SUFFIX} file"
        )
    return network, weights


def check_layers(
    names: Iterable[str], network: str | None = None, option: str | None = None
) -> tuple[str, ...]:
    """``names`` as a tuple, once every one of them is known to be a layer of that network.

    Args:
        names: of layers.
        network: one of :data:`ARCHITECTURES`; None is VGG-19.
        option: that has the names, as users write it.

    Raises:
        InputError: an unknown name; lists the names there are.
    """
    names, known = tuple(names), ARCHITECTURES[network or "vgg19"]
    if unknown := [name for name in names if name not in known.names]:
        name, where = unknown[0], "" if option is None else f"{option}: "
        if known.last is not None and name in known.layers:
            raise InputError(f"{where}{known.title} ends at {known.last}: it has no {name}")
        listed = ", ".join(known.names)
        raise InputError(f"{where}no layer {shown(name)} in {known.title}: there are {listed}")
    return names


def parse_layers(name: str, given: object) -> dict[str, float]:
    """Layers with a weight each: ``"relu1_1=1,relu3_1=2"``, or a mapping.

    Args:
        name: of the option, as users write it.
        given: in a text a name alone counts 1.

    Raises:
        InputError: it is neither, a layer is there twice, a weight is no number of at least 0, or
            no weight is above 0.
    """
    if isinstance(given, str):
        pairs = [part.partition("=")[::2] for part in given.split(",")]
        layers: dict[str, object] = {}
        for layer, weight in ((layer.strip(), weight.strip()) for layer, weight in pairs):
            if not layer or layer in layers:
                what = f"has {layer!r} twice" if layer else "lacks a layer's name"
                raise InputError(f"{name} {what}: it looks like relu1_1=1,relu3_1=2, not {given!r}")
            try:
                layers[layer] = float(weight) if weight else 1.0
            except ValueError:
                layers[layer] = weight
    elif isinstance(given, Mapping):
        layers = dict(given)
    else:
        raise InputError(
            f"{name} must map layers to weights, as relu1_1=1,relu3_1=2 does, not {shown(given)}"
        )
    weighted = {str(layer): number(f"{name}.{layer}", w, 0) for layer, w in layers.items()}
    if not any(weighted.values()):
        raise InputError(f"{name} needs at least one layer with a weight above 0")
    return weighted
