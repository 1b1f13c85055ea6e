"""Some rows of many styles: those of a part of a batch, or on another device."""

from collections.abc import Callable

import torch
from torch import Tensor

from fst.training.many.draws import Styles


def taken(styles: Styles, rows: Tensor) -> Styles:
    """The styles of these rows, in this order.

    Args:
        styles: of N pictures.
        rows: ``(M,)`` int64, each below N.
    """
    return _each(styles, lambda values: values[rows.to(values.device)])


def in_parts(styles: Styles, count: int) -> list[Styles]:
    """The styles as ``Tensor.tensor_split`` divides the photos that are painted in them."""
    rows = torch.arange(len(styles.style_weight)).tensor_split(count)
    return [taken(styles, part) for part in rows]


def moved(styles: Styles, device: torch.device) -> Styles:
    """The styles on a device."""
    return _each(styles, lambda values: values.to(device, non_blocking=True))


def _each(styles: Styles, change: Callable[[Tensor], Tensor]) -> Styles:
    """The same change of all that is known of the styles."""
    return Styles(
        moments=change(styles.moments),
        grams={layer: change(gram) for layer, gram in styles.grams.items()},
        style_weight=change(styles.style_weight),
        stroke_size=change(styles.stroke_size),
        variant=change(styles.variant),
    )
