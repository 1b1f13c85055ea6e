"""Pictures that are too small for a net: painted with a rim, which is cut off afterwards."""

from collections.abc import Generator, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from fst.optimization.pixels import Iterate

Inside = tuple[slice, slice, slice, slice]
"""Where the picture lies in a wider one."""

EVERYTHING: Inside = (slice(None), slice(None), slice(None), slice(None))


def at_least(photo: Tensor, side: int) -> tuple[Tensor, Inside]:
    """``photo`` in the middle of a picture whose sides are ``side`` at least.

    Beyond its borders it is mirrored, back and forth as often as it takes; a single row or column
    is repeated.

    Args:
        photo: ``(N, C, H, W)``: a picture, or masks.
        side: in pixels.

    Returns:
        The wider picture, or the photo itself where it is large enough; where the photo lies in it.
    """
    if min(photo.shape[2:]) >= side:
        return photo, EVERYTHING
    inside = list(EVERYTHING)
    for axis in (2, 3):
        length = photo.shape[axis]
        before = max(0, side - length) // 2
        places = torch.arange(max(side, length), device=photo.device) - before
        photo = photo.index_select(axis, _mirrored(places, length))
        inside[axis] = slice(before, before + length)
    return photo, (inside[0], inside[1], inside[2], inside[3])


def within(iterates: Iterator[Iterate], inside: Inside) -> Generator[Iterate, None, None]:
    """What an optimization of the wider picture comes to, without the rim."""
    for iterate in iterates:
        yield replace(iterate, image=iterate.image[inside])


def _mirrored(places: Tensor, length: int) -> Tensor:
    """The places inside of ``[0, length)`` that a mirror at both ends shows at ``places``."""
    there_and_back = max(1, 2 * (length - 1))
    places = places % there_and_back
    return torch.where(places < length, places, there_and_back - places)
