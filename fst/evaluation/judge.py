"""What a loss says of a net's pictures."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fst.inference.painter import feedforward
from fst.losses.perceptual import LossTerms, PerceptualLoss


@torch.no_grad()
def judge(
    net: nn.Module,
    loss: PerceptualLoss,
    photos: Sequence[Tensor],
    dtype: torch.dtype = torch.float32,
    margin: int = 0,
) -> list[LossTerms]:
    """The terms of a net's pictures, one by one.

    Args:
        net: a transformer net, on the photos' device.
        loss: judges, without gradients.
        photos: ``(1, 3, H, W)`` each, in [0, 1].
        dtype: of the net's convolutions.
        margin: pixels by which a photo goes on while it is painted, cut off before it is judged.
    """
    pairs = ((feedforward(net, photo, dtype, margin), photo) for photo in photos)
    return [loss(painted, loss.content_targets(photo)) for painted, photo in pairs]
