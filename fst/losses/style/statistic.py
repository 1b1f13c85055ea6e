"""The interface of all statistics of style: two pure functions on the features of one layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

Target = Mapping[str, Tensor]
"""What is known of a painting at one layer: tensors by name, of any shape."""


@dataclass(frozen=True)
class Statistic:
    """How the style of a picture is compared with a painting's, layer by layer.

    Attributes:
        measure: from the painting's features, ``(1, C, H, W)`` of any floating dtype, to what is
            known of the painting.
        error: from pictures' features, ``(N, C, H, W)``, differentiable, and from that, to
            ``(N,)``, float32 (float64 for float64 features). It is *relative*: 0 for the painting
            itself and about 1 for features of zero, whatever the loss network's scale. The third
            argument, a whole number, tells what is drawn at random, if anything is: one number is
            one draw.
        scale: what the error is multiplied by in a loss, so that a style weight means about as much
            as for Gram matrices.
        layers: layer -> weight, where nothing is said of them; None are those of Gatys et al.
    """

    measure: Callable[[Tensor], Target]
    error: Callable[[Tensor, Target, int], Tensor]
    scale: float = 1.0
    layers: Mapping[str, float] | None = None


def relative(error: Tensor, energy: Tensor) -> Tensor:
    """An error as a share of the painting's own energy, which may be 0 for a blank one."""
    # some way above the smallest number: its reciprocal is multiplied on in gradients
    return error / energy.clamp_min(torch.finfo(energy.dtype).tiny ** 0.5)


def resampled(ordered: Tensor, count: int) -> Tensor:
    """The same distribution with another number of samples.

    Args:
        ordered: ``(1, C, M)``, ascending: quantiles at ``(i + 0.5) / M``.
        count: of quantiles that are wanted, N; those between two are interpolated.

    Returns:
        ``(1, C, N)``, ascending.
    """
    if ordered.shape[2] == count:
        return ordered
    return F.interpolate(ordered, count, mode="linear", align_corners=False)
