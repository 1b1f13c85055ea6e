"""VGG-19's layers by name: which there are, their channels and shapes."""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.nets.winograd import convolution

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of the five blocks (Simonyan & Zisserman 2014, table 1, column E)."""

CONVOLUTIONS = (2, 2, 4, 4, 4)
"""Convolutions in each block."""


def _layers() -> dict[str, int]:
    """Layer name -> its index in ``torchvision.models.vgg19().features``."""
    names = []
    for block, count in enumerate(CONVOLUTIONS, 1):
        for i in range(1, count + 1):
            names += [f"conv{block}_{i}", f"relu{block}_{i}"]
        names.append(f"pool{block}")
    return {name: index for index, name in enumerate(names)}


LAYERS = _layers()


def convolution_shapes(depth: int, channels: tuple[int, ...]) -> dict[str, torch.Size]:
    """State-dict key -> shape, of every convolution up to layer index ``depth``."""
    shapes, before = {}, 3
    for name, index in LAYERS.items():
        if index <= depth and name.startswith("conv"):
            out = channels[int(name[4]) - 1]
            shapes[f"features.{index}.weight"] = torch.Size((out, before, 3, 3))
            shapes[f"features.{index}.bias"] = torch.Size((out,))
            before = out
    return shapes


def metric_shapes(depth: int, channels: tuple[int, ...]) -> dict[str, torch.Size]:
    """The same of a slim network's metrics; poolings have none."""
    return {
        f"metric.{name}": torch.Size((channels[int(name[4]) - 1],) * 2)
        for name, index in LAYERS.items()
        if index <= depth and not name.startswith("pool")
    }


def check_layers(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` as a tuple, once every one of them is known to be a layer.

    Raises:
        InputError: an unknown name; lists the names there are.
    """
    names = tuple(names)
    if unknown := [name for name in names if name not in LAYERS]:
        raise InputError(f"no layer {unknown[0]!r} in VGG-19: there are {', '.join(LAYERS)}")
    return names


def convolve(
    images: Tensor,
    layers: Iterable[str],
    tensors: Callable[[str], Tensor],
    pool: Callable[..., Tensor] = F.max_pool2d,
    padding: str = "zeros",
) -> dict[str, Tensor]:
    """Runs a network of VGG-19's layers; computes nothing deeper than the deepest asked for.

    Args:
        images: ``(N, 3, H, W)``, normalized as the weights want it.
        layers: layer names.
        tensors: gives the tensor of a key: ``features.0.weight``, ``features.0.bias``, ...
        pool: called with features and 2.
        padding: one of :data:`~fst.choices.PADDINGS`, of every convolution by one position.

    Returns:
        Layer name -> ``(N, C, H / 2^(block - 1), W / 2^(block - 1))``.

    Raises:
        InputError: a picture that is too small for a layer.
    """
    layers = set(layers)
    deepest = max(LAYERS[name] for name in layers)
    found: dict[str, Tensor] = {}
    x = images.contiguous(memory_format=torch.channels_last)
    for name, index in LAYERS.items():
        if index > deepest:
            break
        if name.startswith("conv"):
            weight, bias = tensors(f"features.{index}.weight"), tensors(f"features.{index}.bias")
            if padding == "zeros":
                x = convolution(x, weight, bias, padding=1)
            else:
                x = convolution(beyond(x, padding), weight, bias)
        elif name.startswith("relu"):
            x = F.relu(x)  # out of place, else conv4_2 would silently become relu4_2
        elif min(x.shape[2:]) < 2:  # a painting or a photo of a few pixels
            size = f"{images.shape[3]}x{images.shape[2]}"
            raise InputError(f"a {size} picture is too small for the loss network's layers")
        else:
            x = pool(x, 2)
        if name in layers:
            found[name] = x
    return found


def beyond(x: Tensor, padding: str) -> Tensor:
    """``x`` with one position more on every side, ``"replicate"`` or ``"reflect"``.

    A single row or column has itself alone to reflect, as in NumPy.
    """
    if min(x.shape[2:]) > 1:
        return F.pad(x, (1, 1, 1, 1), mode=padding)
    rows, columns = (padding if side > 1 else "replicate" for side in x.shape[2:])
    return F.pad(F.pad(x, (1, 1, 0, 0), mode=columns), (0, 0, 1, 1), mode=rows)
