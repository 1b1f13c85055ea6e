"""Several paintings that one picture is optimized for, with a share each."""

import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from fst.errors import FstWarning, InputError
from fst.image.picture import Picture
from fst.styles.blend import parse_blend
from fst.styles.catalog import find_style, is_blend
from fst.styles.style import Style


def find_optimized(
    style: str | Picture,
    checkpoints: Path | None = None,
    device: torch.device | str = "cpu",
    method: str = "auto",
) -> Style:
    """The style to optimize pixels for: as ``find_style``, but a blend is one of paintings.

    Args:
        style: as for :func:`~fst.styles.catalog.find_style`.
        checkpoints: as there, and so is ``device``.
        device: for nets.
        method: where it is not ``"optimize"``, styles that all have a net are a blend of nets.

    Raises:
        CheckpointError: as ``find_style``.
        InputError: likewise; a style whose painting is not known.
    """
    if not (isinstance(style, str) and is_blend(style)):
        return find_style(style, checkpoints, device)
    shares = parse_blend(style)
    found = {name: find_style(name, checkpoints, device) for name in shares}
    if method != "optimize" and all(one.trained is not None for one in found.values()):
        return find_style(style, checkpoints, device, {})
    if not math.isclose(total := sum(shares.values()), 1, rel_tol=1e-3):
        warnings.warn(
            f"the shares of {style} add up to {total:g}: divided by that", FstWarning, stacklevel=2
        )
    return mixture(style, list(found.values()), {n: s / total for n, s in shares.items()})


def mixture(asked: str, styles: Sequence[Style], shares: Mapping[str, float]) -> Style:
    """The style of several paintings.

    Args:
        asked: what it was asked for by.
        styles: of the paintings.
        shares: of each, in the same order, by its name as it was asked for; they add up to 1.

    Raises:
        InputError: a style whose painting is not known, such as a blend of nets.
    """
    for one in styles:
        if one.image is None and one.picture is None:
            raise InputError(f"{one.asked} has no painting to optimize for: leave it out")
    name = "-".join(one.name for one in styles)
    about = {"name": name}
    return Style(name, asked, about, shares=dict(shares), paintings=tuple(styles))
