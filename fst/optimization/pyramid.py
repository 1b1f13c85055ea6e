"""Large pictures optimized coarse to fine."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from torch import Tensor

from fst.image.picture import MIN_SIDE, resize_tensor
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import Iterate, optimize

COARSEST = 724
"""Long side in pixels up to which a picture is optimized at once, without smaller ones before."""


def pyramid(long_side: int, coarsest: int = COARSEST) -> list[int]:
    """Long sides from coarse to fine, each the square root of 2 times the one before.

    Args:
        long_side: of the picture, in pixels; the last one.
        coarsest: the first one is at most this.
    """
    sides = [long_side]
    while sides[0] > coarsest:
        sides.insert(0, round(long_side / math.sqrt(2) ** len(sides)))
    return sides


def optimize_coarse_to_fine(
    loss: PerceptualLoss,
    photo: Tensor,
    iterations: int = 500,
    init: str | Tensor = "photo",
    coarsest: int = COARSEST,
    **settings: Any,
) -> Iterator[Iterate]:
    """As :func:`optimize`, on a pyramid: each size begins where the smaller one ended.

    The loss network sees only so far. What it should do with a large picture as a whole it does on
    a small one; on the larger ones it draws the finer strokes. Every size takes about as long as
    the others: twice the pixels, half the iterations. The iterates have the sizes of the pyramid.

    Args:
        loss: the objective, the same at every size.
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
        iterations: of all sizes together.
        init: of the smallest size, as for :func:`initial_image`.
        coarsest: long side in pixels up to which a picture is optimized at once.
        settings: other arguments of :func:`optimize`.

    Source:
        Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", section 6.
    """
    height, width = photo.shape[2:]
    sides = pyramid(max(height, width), coarsest)
    shares = [2.0 ** (len(sides) - 1 - level) for level in range(len(sides))]
    done, start = 0, init
    for level, side in enumerate(sides):
        last = level == len(sides) - 1
        scale = side / sides[-1]
        size = (max(MIN_SIDE, round(height * scale)), max(MIN_SIDE, round(width * scale)))
        small = photo if last else resize_tensor(photo, size)
        if isinstance(start, Tensor):
            start = resize_tensor(start.clamp(0, 1), (small.shape[2], small.shape[3]))
        rest = iterations - done
        count = rest if last else round(rest * shares[level] / sum(shares[level:]))
        for iterate in optimize(loss, small, init=start, iterations=count, **settings):
            if last or iterate.iteration < count:  # a size's last iterate is the next one's first
                yield replace(iterate, iteration=done + iterate.iteration)
        done, start = done + count, iterate.image
