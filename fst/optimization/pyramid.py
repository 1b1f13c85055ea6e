"""Large pictures optimized coarse to fine."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from fst.errors import InputError
from fst.image.picture import MIN_SIDE, resize_tensor
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.descent import Iterate, State
from fst.optimization.pixels import optimize

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
    init_noise: float = 0.0,
    state: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Iterate]:
    """As :func:`optimize`, on a pyramid: each size begins where the smaller one ended.

    The loss network sees only so far. What it should do with a large picture as a whole it does on
    a small one; on the larger ones it draws the finer strokes. Every size takes about as long as
    the others: twice the pixels, half the iterations. The iterates have the sizes of the pyramid.
    A tolerance ends one size after the other; what it spares is not spent on the next one.

    Args:
        loss: the objective, the same at every size.
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
        iterations: of all sizes together.
        init: of the smallest size, as for :func:`initial_image`.
        coarsest: long side in pixels up to which a picture is optimized at once.
        init_noise: in the start of the smallest size.
        state: of an earlier iterate, as for :func:`optimize`.
        settings: other arguments of :func:`optimize`.

    Source:
        Gatys et al. 2017, "Controlling Perceptual Factors in Neural Style Transfer", section 6.
    """
    height, width = photo.shape[2:]
    sides = pyramid(max(height, width), coarsest)
    counts = _counts(iterations, len(sides))
    first, done, inside = (0, 0, None) if state is None else _begun(state)
    start = init
    for level in range(first, len(sides)):
        last = level == len(sides) - 1
        scale = sides[level] / sides[-1]
        size = (max(MIN_SIDE, round(height * scale)), max(MIN_SIDE, round(width * scale)))
        small = photo if last else resize_tensor(photo, size)
        if isinstance(start, Tensor):
            start = resize_tensor(start.clamp(0, 1), (small.shape[2], small.shape[3]))
        noise = init_noise if level == 0 else 0.0
        search = optimize(
            loss, small, start, iterations=counts[level], init_noise=noise, state=inside, **settings
        )
        for iterate in search:
            if last or not iterate.last:  # a size's last iterate is the next one's first
                yield _of_all(iterate, level, done)
        done, start, inside = done + iterate.iteration, iterate.image, None


def _begun(state: Mapping[str, Any]) -> tuple[int, int, Mapping[str, Any]]:
    """The size that was optimized, the iterations before it, and how far that was."""
    try:
        return state["level"], state["done"], state["inside"]
    except (LookupError, TypeError) as error:
        raise InputError("the state that was kept is of another optimization") from error


def _counts(iterations: int, sizes: int) -> list[int]:
    """The iterations of every size."""
    shares = [2.0 ** (sizes - 1 - level) for level in range(sizes)]
    counts: list[int] = []
    for level in range(sizes):
        rest = iterations - sum(counts)
        counts.append(round(rest * shares[level] / sum(shares[level:])))
    return [*counts[:-1], iterations - sum(counts[:-1])]


def _of_all(iterate: Iterate, level: int, done: int) -> Iterate:
    """An iterate of one size as one of the whole optimization, ``done`` iterations later."""
    inside = iterate.state

    def state() -> State:
        assert inside is not None
        return {"level": level, "done": done, "inside": inside()}

    return replace(
        iterate, iteration=done + iterate.iteration, state=None if inside is None else state
    )
