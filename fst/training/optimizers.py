"""What moves the weights: optimizers, their learning rate, and the average of the weights."""

import copy
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from fst.nets.needs import TransformerNet
from fst.training.muon import Muon
from fst.training.recipe import Recipe

OVERLOOK_FLAG = ("mps",)
"""Devices whose fused Adam takes its step whatever ``found_inf`` says."""


RATE_FACTOR = "rate_factor"
"""In an optimizer's group of weights: what the recipe's rate is multiplied by for them."""


def make_optimizers(
    net: nn.Module,
    recipe: Recipe,
    slower: Sequence[nn.Parameter] = (),
    factor: float = 1.0,
) -> list[torch.optim.Optimizer]:
    """Adam, and Muon for the net's matrices if the recipe asks for it.

    The first one's steps are those that a trainer counts. A net that names no matrices is trained
    with Adam alone. Weights that need no gradient (``freeze``) belong to neither.

    Args:
        net: to be trained.
        recipe: names the optimizer and its rate.
        slower: weights of the net's, no matrices of Muon's, that Adam moves at another rate.
        factor: which is this times the recipe's.
    """
    named = net.matrices() if isinstance(net, TransformerNet) else []
    muons = named if recipe.optimizer == "muon" else []
    matrices = [weight for weight in muons if weight.requires_grad]
    chosen = {id(weight) for weight in (*matrices, *slower)}
    learn = [weight for weight in net.parameters() if weight.requires_grad]
    rest = [weight for weight in learn if id(weight) not in chosen]
    groups: list[dict[str, Any]] = [{"params": rest}] if rest else []
    if own := [weight for weight in slower if weight.requires_grad]:
        groups.append({"params": own, RATE_FACTOR: factor})
    adam = torch.optim.Adam(groups, lr=recipe.learning_rate, fused=True)
    return [adam, Muon(matrices, lr=recipe.learning_rate)] if matrices else [adam]


def learning_rate(recipe: Recipe, step: int, steps: int, factor: float = 1.0) -> float:
    """The rate of a step, counted from 0, in a training of so many ``steps``.

    ``factor`` multiplies the recipe's rate.
    """
    warmup = min(1.0, (step + 1) / (recipe.warmup_steps + 1))
    decay = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
    shape = warmup * (decay if recipe.schedule == "cosine" else 1.0)
    return recipe.learning_rate * factor * shape


def prepare(
    optimizers: Sequence[torch.optim.Optimizer], rate: float, left_out: Tensor, device: torch.device
) -> None:
    """Tells the optimizers of a step their rate, and whether they leave it out.

    Args:
        optimizers: from :func:`make_optimizers`.
        rate: of the step.
        left_out: 1.0 on the device where the step is left out, else 0.0; nobody waits for it.
        device: of the weights.
    """
    for optimizer in optimizers:
        optimizer.found_inf = left_out  # type: ignore[attr-defined]
        if device.type in OVERLOOK_FLAG and left_out:
            optimizer.zero_grad()
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get(RATE_FACTOR, 1.0)


def start_average(net: nn.Module, decay: float) -> nn.Module | None:
    """What :func:`update_average` averages into: a copy of the net; None for a decay of 0."""
    return copy.deepcopy(net).requires_grad_(False) if decay else None


@torch.no_grad()
def update_average(
    average: nn.Module, net: nn.Module, decay: float, step: int, left_out: Tensor
) -> None:
    """A step of the moving average of the weights, where the step was not left out.

    Args:
        average: from :func:`start_average`.
        net: with the weights after the step.
        decay: at most (1 + step) / (10 + step): shorter at first, else a short run would keep the
            weights that it began with.
        step: counted from 0.
        left_out: as for :func:`prepare`.

    Source:
        Polyak & Juditsky 1992; the warm-up is TensorFlow's ``ExponentialMovingAverage``.
    """
    decay = min(decay, (1 + step) / (10 + step))
    share = (1 - decay) * (1 - left_out)
    for mean, weight in zip(average.parameters(), net.parameters(), strict=True):
        mean.lerp_(weight, share)
    for copied, buffer in zip(average.buffers(), net.buffers(), strict=True):
        copied.copy_(buffer)
