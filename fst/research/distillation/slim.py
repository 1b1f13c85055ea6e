"""A VGG-19 with fewer channels: how it begins, how it is normalized, how it is written to a file.

A slim network is a plain mapping from state-dict key to tensor: ``features.<i>.weight`` and
``features.<i>.bias`` under VGG-19's own indices, and a ``metric.<layer>`` for every convolution and
ReLU. Wherever the teacher's features are nearly linear in the student's, ``T = M S``, distances
between Gram matrices and between features are the teacher's own if the student's channels are first
multiplied by the square root of ``M^T M``: that is the metric. It costs a 1x1 convolution at the
layers that the loss compares, and nothing elsewhere.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from fst.loss_networks.architectures import ARCHITECTURES
from fst.loss_networks.layers import LAYERS, convolve
from fst.loss_networks.sources import WEIGHTS
from fst.loss_networks.vgg import VGG19, normalize_colors
from fst.system.files import atomic_file

SLIM = WEIGHTS["slim"]

CONVOLUTIONS = tuple(name for name in ARCHITECTURES["slim"].names if name.startswith("conv"))
"""The convolutions of the slim network, first to last."""

RELUS = tuple(name.replace("conv", "relu") for name in CONVOLUTIONS)

POOLED = tuple(index for name, index in LAYERS.items() if name.startswith("pool"))
"""Indices of the poolings."""

State = dict[str, Tensor]


def plain_features(state: Mapping[str, Tensor], images: Tensor, layers: tuple[str, ...]) -> State:
    """Features without their metric: layer name -> ``(N, C, h, w)``; differentiable, twice."""
    return convolve(normalize_colors(images, SLIM), layers, state.__getitem__)


def random_slim(seed: int = 0) -> State:
    """An undistilled network of the same shape (He initialization), for comparison."""
    generator, state, before = torch.Generator().manual_seed(seed), {}, 3
    for name in CONVOLUTIONS:
        out, index = SLIM.channels[int(name[4]) - 1], LAYERS[name]
        weight = torch.randn((out, before, 3, 3), generator=generator)
        state[f"features.{index}.weight"] = weight * (2 / (9 * before)) ** 0.5
        state[f"features.{index}.bias"] = torch.zeros(out)
        before = out
    return state


def choose_channels(gram: Tensor, count: int) -> list[int]:
    """The channels from which the others follow best, greedily (a pivoted Cholesky factorization).

    Args:
        gram: ``(C, C)``, inner products of the channels.
        count: how many to choose, at most C.
    """
    rest, chosen = gram.double().clone(), list[int]()
    for _ in range(count):
        pivot = int(rest.diagonal().argmax())
        rest -= torch.outer(rest[:, pivot], rest[pivot]) / rest[pivot, pivot].clamp_min(1e-12)
        chosen.append(pivot)
        rest[chosen, chosen] = -1
    return chosen


@torch.no_grad()
def prune(teacher: VGG19, images: Tensor, samples: int = 24_000, seed: int = 0) -> State:
    """The slim network to begin with: the teacher's most telling channels, without training.

    Layer by layer, the channels from which the others follow best are kept, and a linear regression
    on the student's own features one layer before gives them their weights.

    Args:
        teacher: loaded up to the slim network's last layer.
        images: ``(N, 3, H, W)``, RGB in [0, 1]; a few dozen.
        samples: positions that the regressions see.
        seed: of the choice of positions.

    Source:
        He et al. 2017, "Channel Pruning for Accelerating Very Deep Neural Networks", section 3.1,
        with a greedy choice instead of the lasso.
    """
    generator, state = torch.Generator().manual_seed(seed), State()
    x = normalize_colors(images, SLIM)
    for name in CONVOLUTIONS:
        index, count = LAYERS[name], SLIM.channels[int(name[4]) - 1]
        # one by one: a batch's features of the first layers would take gigabytes
        wanted = torch.cat([teacher(image[None], [name])[name].float() for image in images])
        wanted = wanted.permute(0, 2, 3, 1).flatten(0, 2)  # (positions, C)
        places = torch.randperm(len(wanted), generator=generator)[:samples]
        wanted = wanted[places]
        active = F.relu(wanted)
        wanted = wanted[:, choose_channels(active.T @ active, count)]
        given = F.unfold(x, 3, padding=1).transpose(1, 2).flatten(0, 1)[places]
        given = torch.cat([given, torch.ones(len(given), 1)], 1)
        weight = _regress(given, wanted, ridge=1e-4)  # (9 C + 1, count)
        state[f"features.{index}.weight"] = weight[:-1].T.reshape(count, -1, 3, 3).contiguous()
        state[f"features.{index}.bias"] = weight[-1].contiguous()
        bias = state[f"features.{index}.bias"]
        x = F.relu(F.conv2d(x, state[f"features.{index}.weight"], bias, padding=1))
        if index + 2 in POOLED:
            x = F.max_pool2d(x, 2)
    return normalize_layers(state, images)


def _regress(given: Tensor, wanted: Tensor, ridge: float) -> Tensor:
    """``W`` with ``given @ W`` nearest to ``wanted``; rows are samples."""
    given, wanted = given.double(), wanted.double()
    normal = given.T @ given
    normal += ridge * normal.diagonal().mean() * torch.eye(len(normal), dtype=normal.dtype)
    solution: Tensor = torch.linalg.solve(normal, given.T @ wanted)
    return solution.float()


@torch.no_grad()
def normalize_layers(state: Mapping[str, Tensor], images: Tensor) -> State:
    """The same function up to a factor per layer: every ReLU's mean square over ``images`` is one.

    Adam moves all weights by about the same amount, so layers had better be of one scale.
    """
    features, result, before = plain_features(state, images, RELUS), State(), 1.0
    for conv, relu in zip(CONVOLUTIONS, RELUS, strict=True):
        scale, index = features[relu].square().mean().sqrt().item(), LAYERS[conv]
        result[f"features.{index}.weight"] = state[f"features.{index}.weight"] * (before / scale)
        result[f"features.{index}.bias"] = state[f"features.{index}.bias"] / scale
        before = scale
    return result


@torch.no_grad()
def linear_maps(
    state: Mapping[str, Tensor], teacher: VGG19, images: Tensor, layers: tuple[str, ...]
) -> State:
    """Layer name -> ``M``, ``(C_teacher, C_student)``, with ``M S`` nearest to ``T``.

    ``S`` are the student's features and ``T`` the teacher's, divided by the root of their mean
    square over ``images``.
    """
    maps, channels_last = State(), (0, 2, 3, 1)
    mine = plain_features(state, images, layers)
    for layer in layers:
        theirs = torch.cat([teacher(image[None], [layer])[layer].float() for image in images])
        given = mine[layer].permute(channels_last).flatten(0, 2)
        wanted = theirs.permute(channels_last).flatten(0, 2)
        maps[layer] = _regress(given, wanted / wanted.square().mean().sqrt(), ridge=1e-3).T
    return maps


def metric(linear_map: Tensor) -> Tensor:
    """The symmetric square root of ``M^T M``: ``(C, C)`` from ``(C_teacher, C)``."""
    values, vectors = torch.linalg.eigh((linear_map.T @ linear_map).double())
    root: Tensor = vectors * values.clamp_min(0).sqrt() @ vectors.T
    return root.float()


def write_slim(path: Path, state: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Writes a slim network, half precision, with its description; whole or not at all.

    Args:
        path: a ``.safetensors`` file; ``loss.weights=<path>`` trains with it.
        state: convolutions and metrics.
        about: plain values: teacher, license, data, recipe, agreement.
    """
    described = {"architecture": SLIM.architecture, "channels": SLIM.channels, **about}
    tensors = {key: value.detach().half().contiguous() for key, value in state.items()}
    with atomic_file(path) as partial:
        partial.write_bytes(save(tensors, {"fst": json.dumps(described)}))
