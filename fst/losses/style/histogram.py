"""Histograms of the channels, besides Gram matrices: stable where these alone are not."""

from torch import Tensor

from fst.losses.functional import at_least_float32, gram_matrix, style_loss
from fst.losses.style.statistic import Statistic, Target, relative, resampled


def measure(features: Tensor) -> dict[str, Tensor]:
    """Of the painting: ``gram``, ``(1, C, C)``, and each channel's ``ordered`` values."""
    ordered = at_least_float32(features).flatten(2).sort(dim=2).values
    return {"gram": gram_matrix(features), "ordered": ordered}


def error(features: Tensor, target: Target, draw: int = 0) -> Tensor:
    """The mean of the Gram matrices' error and of the histograms'.

    The latter is ``|F - R(F)|^2 / |R(F)|^2``, where ``R`` gives each channel the painting's
    histogram: its smallest value becomes the painting's smallest one, and so on. ``R(F)`` has no
    gradient. A painting with another number of positions is resampled between its sorted values.

    Args:
        features: ``(N, C, H, W)``, of the pictures being judged.
        target: from :func:`measure`.
        draw: nothing is drawn.

    Returns:
        ``(N,)``, at least 0; 1 for features that are zero.

    Source:
        Risser et al. 2017, "Stable and Controllable Neural Texture Synthesis and Style Transfer
        Using Histogram Losses", eq. 8 and 9: with Gram matrices, as there; exact, without bins; at
        every layer, with equal weights.
    """
    flat = at_least_float32(features).flatten(2)
    ordered = flat.sort(dim=2).values  # sorting both is remapping: the pairs are the same
    wanted = resampled(target["ordered"], flat.shape[2])
    squared = (ordered - wanted).square().flatten(1).sum(1)
    histogram = relative(squared, wanted.square().flatten(1).sum(1))
    return (style_loss(gram_matrix(features), target["gram"]) + histogram) / 2


HISTOGRAM = Statistic(measure, error)
