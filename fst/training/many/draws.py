"""Which styles a step learns: drawn from a bank by place, as photos are."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from fst.errors import InputError
from fst.nets.predictor import USUAL_SIZE, USUAL_WEIGHT
from fst.system.checks import number
from fst.training.many.bank import StyleBank

MIXED = 0.25
"""Share of the styles that are mixtures of two paintings."""

STYLE_WEIGHTS = (2.0, 40.0)
"""Between these they are drawn."""


class Styles(NamedTuple):
    """A style for each of N pictures, on the bank's device.

    Attributes:
        moments: ``(N, MOMENTS)``, what a predictor reads; of named styles their colors' alone,
            which are the last of these.
        grams: layer -> ``(N, C, C)``, what the judge compares with.
        style_weight: ``(N,)``, against a content weight of one.
        stroke_size: ``(N,)``, pixels of the whole painting's long side.
        variant: ``(N,)`` int64, which of the bank's; of a mixture the first.
    """

    moments: Tensor
    grams: dict[str, Tensor]
    style_weight: Tensor
    stroke_size: Tensor
    variant: Tensor


def draw(
    bank: StyleBank,
    step: int,
    count: int,
    seed: int,
    mixed: float = MIXED,
    style_weights: Sequence[float] = STYLE_WEIGHTS,
    first: int = 0,
) -> Styles:
    """The styles of a step.

    Any variant is as likely as any other. A mixture lies between a variant and one of another
    painting at the same size; moments and Gram matrices are means over positions, so those of a
    picture that shows a part of each are mixtures, too. Style weights are as likely in every
    octave.

    Args:
        bank: to draw from.
        step: of the training.
        count: how many styles.
        seed: of all draws. What comes at a position of a step follows from these three alone.
        mixed: probability of a mixture, 0 to 1; of a single painting there is none.
        style_weights: the least and the largest, above 0.
        first: position of the first style in the step, for one of several devices.

    Raises:
        InputError: a number out of its range.
    """
    mixed = number("paintings.mixed", mixed, 0, 1)
    low, high = _range(style_weights)
    variants, others, shares, weights = [], [], [], []
    for position in range(first, first + count):
        place, mixes, other, like, share, weight = _numbers(seed, step, position)
        variants.append(variant := int(place * len(bank)))
        others.append(_of_another(bank, variant, other, like))
        shares.append(share if mixes < mixed and len(bank.paintings) > 1 else 0.0)
        weights.append(low * (high / low) ** weight)
    chosen = torch.tensor(variants, dtype=torch.int64)
    there = chosen.to(bank.device, non_blocking=True)
    moments, grams = bank.moments[there], bank.grams(chosen)
    if rows := [row for row, share in enumerate(shares) if share > 0]:
        second = torch.tensor([others[row] for row in rows])
        part = torch.tensor([shares[row] for row in rows], device=bank.device)
        moments[rows] = moments[rows].lerp(bank.moments[second.to(bank.device)], part[:, None])
        for layer, gram in bank.grams(second).items():
            grams[layer][rows] = grams[layer][rows].lerp(gram, part[:, None, None])
    weight_of_each = torch.tensor(weights, dtype=torch.float32).to(bank.device, non_blocking=True)
    return Styles(moments, grams, weight_of_each, bank.sizes[there], there)


def held_out_styles(
    bank: StyleBank, size: int = int(USUAL_SIZE), style_weight: float = USUAL_WEIGHT
) -> Styles:
    """Every painting of a bank as it is, at one size: the styles to validate with.

    Args:
        bank: of the paintings that are held out.
        size: one of the bank's.
        style_weight: of all of them.

    Raises:
        InputError: the bank has no such size, or the weight is no number above 0.
    """
    weight = number("style_weight", style_weight, above=0)
    if size not in bank.seen.sizes:
        sizes = ", ".join(str(known) for known in bank.seen.sizes)
        raise InputError(f"paintings are seen at {sizes} pixels, and not at {size}")
    offset = bank.seen.sizes.index(size) * bank.seen.variants
    chosen = torch.arange(len(bank.paintings)) * bank.each + offset
    there = chosen.to(bank.device)
    weights = torch.full((len(chosen),), weight, device=bank.device)
    return Styles(bank.moments[there], bank.grams(chosen), weights, bank.sizes[there], there)


def _numbers(seed: int, step: int, position: int) -> list[float]:
    """Six random numbers in [0, 1) that follow from these three alone."""
    key = hashlib.sha256(f"styles {seed} {step} {position}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(key[:8], "big") >> 1)
    numbers: list[float] = torch.rand(6, generator=generator, dtype=torch.float64).tolist()
    return numbers


def _of_another(bank: StyleBank, variant: int, other: float, like: float) -> int:
    """A variant of another painting at the same size; of a single painting its own."""
    count, per_size = len(bank.paintings), bank.seen.variants
    mine, place = divmod(variant, bank.each)
    theirs = (mine + 1 + int(other * (count - 1))) % count if count > 1 else mine
    return theirs * bank.each + place // per_size * per_size + int(like * per_size)


def _range(style_weights: Sequence[float]) -> tuple[float, float]:
    """The least and the largest style weight."""
    name = "paintings.style_weights"
    values = [number(name, value, above=0) for value in style_weights]
    if len(values) != 2 or values[0] > values[1]:
        raise InputError(f"{name} must be the least and the largest, like [2, 40], not {values}")
    return values[0], values[1]
