"""Gram matrices: which features appear together (Gatys et al. 2015)."""

from torch import Tensor

from fst.losses.functional import gram_matrix, style_loss
from fst.losses.style.statistic import Statistic, Target


def measure(features: Tensor) -> dict[str, Tensor]:
    """The painting's Gram matrix, ``gram``: ``(1, C, C)``."""
    return {"gram": gram_matrix(features)}


def error(features: Tensor, target: Target, draw: int = 0) -> Tensor:
    """``|G - A|^2 / |A|^2``: :func:`~fst.losses.functional.style_loss`.

    Source:
        Gatys et al. 2015, eq. 3 and 4.
    """
    return style_loss(gram_matrix(features), target["gram"])


GRAM = Statistic(measure, error)
