"""The sliced Wasserstein distance: whole distributions of features, seen from many directions."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.losses.functional import at_least_float32
from fst.losses.style.statistic import Statistic, Target, relative, resampled


def directions(channels: int, draw: int) -> Tensor:
    """As many random unit vectors as there are channels, as rows: ``(C, C)`` float32.

    They are drawn on the CPU, and follow from ``draw`` alone: the same on every device.
    """
    generator = torch.Generator().manual_seed(draw % 2**63)
    drawn = torch.randn(channels, channels, generator=generator)
    return F.normalize(drawn, dim=1)


def measure(features: Tensor) -> dict[str, Tensor]:
    """Of the painting: its ``features``, ``(1, C, M)``, and draw 0 of them, ``ordered``."""
    flat = at_least_float32(features).flatten(2)
    return {"features": flat, "ordered": _projected(flat, 0).sort(dim=2).values}


def error(features: Tensor, target: Target, draw: int = 0) -> Tensor:
    """The mean over directions of the squared Wasserstein-2 distance of projections.

    In one dimension the optimal transport takes the smallest to the smallest, so sorting is all:
    ``sum |sort(d F) - sort(d F')|^2 / sum |sort(d F')|^2`` over directions ``d``. A painting with
    another number of positions is resampled between its sorted values.

    Args:
        features: ``(N, C, H, W)``, of the pictures being judged.
        target: from :func:`measure`.
        draw: which directions; another number is another draw.

    Returns:
        ``(N,)``, at least 0; 1 for features that are zero.

    Source:
        Heitz et al. 2021, "A Sliced Wasserstein Loss for Neural Texture Synthesis", section 3.2,
        with as many directions as channels, up to the normalization.
    """
    flat = at_least_float32(features).flatten(2)
    ordered = _projected(flat, draw).sort(dim=2).values
    wanted = target["ordered"]
    if draw:
        wanted = _projected(target["features"], draw).sort(dim=2).values
    wanted = resampled(wanted, flat.shape[2])
    squared = (ordered - wanted).square().flatten(1).sum(1)
    return relative(squared, wanted.square().flatten(1).sum(1))


def _projected(flat: Tensor, draw: int) -> Tensor:
    return directions(flat.shape[1], draw).to(flat.device, flat.dtype) @ flat


SLICED = Statistic(measure, error, scale=4.0)
