"""What runs a loss network, and the shapes of its weights; VGG-19's where nothing is said."""

from collections.abc import Callable, Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.loss_networks.architectures import ARCHITECTURES
from fst.loss_networks.architectures import CHANNELS as CHANNELS
from fst.loss_networks.architectures import check_layers as check_layers
from fst.nets.padding import pad
from fst.nets.winograd import convolution

LAYERS = ARCHITECTURES["vgg19"].layers
"""VGG-19's: layer name -> its index in ``torchvision.models.vgg19().features``."""


def convolution_shapes(
    depth: int, channels: tuple[int, ...], layers: Mapping[str, int] = LAYERS
) -> dict[str, torch.Size]:
    """State-dict key -> shape, of every convolution up to layer index ``depth``.

    Args:
        depth: index of the deepest layer.
        channels: of the five blocks.
        layers: of the network, name -> index.
    """
    shapes, before = {}, 3
    for name, index in layers.items():
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


def convolve(
    images: Tensor,
    layers: Iterable[str],
    tensors: Callable[[str], Tensor],
    pool: Callable[..., Tensor] = F.max_pool2d,
    padding: str = "zeros",
    known: Mapping[str, int] = LAYERS,
) -> dict[str, Tensor]:
    """Runs a network of such layers; computes nothing deeper than the deepest asked for.

    Args:
        images: ``(N, 3, H, W)``, normalized as the weights want it.
        layers: layer names.
        tensors: gives the tensor of a key: ``features.0.weight``, ``features.0.bias``, ...
        pool: called with features and 2.
        padding: one of :data:`~fst.choices.PADDINGS`, of every convolution by one position.
        known: all layers of the network, name -> index.

    Returns:
        Layer name -> ``(N, C, H / 2^(block - 1), W / 2^(block - 1))``.

    Raises:
        InputError: a picture that is too small for a layer.
    """
    layers = set(layers)
    deepest = max(known[name] for name in layers)
    found: dict[str, Tensor] = {}
    x = images.contiguous(memory_format=torch.channels_last)
    for name, index in known.items():
        if index > deepest:
            break
        if name.startswith("conv"):
            weight, bias = tensors(f"features.{index}.weight"), tensors(f"features.{index}.bias")
            if padding == "zeros" or (padding == "first" and index > 0):
                x = convolution(x, weight, bias, padding=1)
            else:
                way = "replicate" if padding == "first" else padding
                x = convolution(beyond(x, way), weight, bias)
        elif name.startswith("relu"):
            x = F.relu(x)  # out of place, else conv4_2 would silently become relu4_2
        elif min(x.shape[2:]) < 2:  # a painting or a photo of a few pixels
            pools = [at for other, at in known.items() if other.startswith("pool")]
            raise InputError(
                f"a {images.shape[3]}x{images.shape[2]} picture is too small for the loss "
                f"network's layers, which need {2 ** sum(at <= deepest for at in pools)} pixels a "
                "side"
            )
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
        return pad(x, 1, padding)
    rows, columns = (padding if side > 1 else "replicate" for side in x.shape[2:])
    return F.pad(F.pad(x, (1, 1, 0, 0), mode=columns), (0, 0, 1, 1), mode=rows)
