"""A batch in parts, one after the other: gradient accumulation, and what to do without memory."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from fst.errors import InputError
from fst.evaluation.regularity import weave
from fst.image.blank import is_blank
from fst.losses.brightness import brightness_error
from fst.losses.colors import COLORS, color_error
from fst.losses.frame import frame_error
from fst.losses.functional import upsampling_pattern
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.losses.stability import instability, random_motion
from fst.system.memory import is_out_of_memory
from fst.training.many.draws import Styles
from fst.training.many.rows import in_parts
from fst.training.recipe import Recipe

STRONG = 8.0
"""Where pictures have styles of their own, each one's objective is divided by 1 + its style weight
over this: else the strong styles' gradients would drown the others'."""

MOST_PARTS = 1 << 16
"""More than a step is ever taken in: every part of every step has a motion of its own."""


def accumulate_gradients(
    photos: Tensor,
    parts: int,
    paint: Callable[..., Tensor],
    loss: PerceptualLoss,
    recipe: Recipe,
    backward: Callable[[Tensor], None],
    place: int = 0,
    styles: Styles | None = None,
) -> LossTerms:
    """Adds the gradients of the batch's mean objective; returns the terms, ``(N,)`` each.

    Photos that show nothing (:func:`~fst.image.blank.is_blank`) have a share in the mean, but
    no gradient.

    Args:
        photos: ``(N, 3, H, W)`` in [0, 1].
        parts: in how many the batch is taken.
        paint: the net, differentiable: photos, and their styles if there are any, to pictures of
            the same shape.
        loss: judges them.
        recipe: its weights are of what is no part of the terms.
        backward: called with the share of each part.
        place: of the step in the run: what is drawn at random follows from it.
        styles: what each photo is to be painted in; None is the loss's own painting.
    """
    terms_of_parts = []
    count = min(parts, len(photos))
    of_parts = [None] * count if styles is None else in_parts(styles, count)
    for number, (part, own) in enumerate(zip(photos.tensor_split(count), of_parts, strict=True)):
        again = paint if own is None else partial(_with_styles, paint, own)
        targets = loss.content_targets(part)
        painted = again(part)
        known = () if own is None else (own.grams, own.style_weight)
        terms = loss(painted, targets, *known, draw=place)
        motion = place * MOST_PARTS + number
        total = terms.total + _besides(painted, part, again, loss, recipe, motion, own)
        if own is not None:
            total = total / (1 + own.style_weight / STRONG)
        # of the others not a bit is changed: where() hands their gradient on as it is
        shown = torch.where(is_blank(part), torch.zeros_like(total), total)
        backward(shown.sum() / len(photos))
        terms_of_parts.append([term.detach() for term in terms])
    return LossTerms(*(torch.cat(term) for term in zip(*terms_of_parts, strict=True)))


def _besides(
    painted: Tensor,
    photos: Tensor,
    paint: Callable[[Tensor], Tensor],
    loss: PerceptualLoss,
    recipe: Recipe,
    motion: int,
    styles: Styles | None,
) -> Tensor | float:
    """The terms that are no part of the objective, weighted: ``(N,)``, or 0."""
    total: Tensor | float = 0.0
    if recipe.pattern_weight:
        total = total + recipe.pattern_weight * upsampling_pattern(painted)
    if not recipe.weighs_with_the_style:
        return total
    weight = loss.style_weight if styles is None else styles.style_weight
    colors = loss.colors if styles is None else styles.moments[:, -COLORS:]
    if recipe.color_weight:
        total = total + recipe.color_weight * weight * color_error(painted, colors)
    if recipe.brightness_weight:
        away = brightness_error(painted, photos, colors)
        total = total + recipe.brightness_weight * weight * away
    if recipe.frame_weight:
        # the same of every part of a batch: so the parts give the gradients of the whole
        framed = frame_error(paint, photos, painted, motion // MOST_PARTS)
        total = total + recipe.frame_weight * weight * framed
    if recipe.weave_weight:
        total = total + recipe.weave_weight * weight * weave(painted, photos)
    if recipe.stability_weight:
        flicker = instability(paint, photos, painted, random_motion(photos, motion))
        total = total + recipe.stability_weight * weight * flicker
    return total


def _with_styles(paint: Callable[..., Tensor], styles: Styles, photos: Tensor) -> Tensor:
    return paint(photos, styles)


def more_parts(error: RuntimeError, parts: int, batch: int, alone: bool) -> int:
    """In how many parts to try again, after an error.

    Args:
        error: of a step in ``parts``; raised again if it is not about memory.
        parts: that were too large.
        batch: photos of the step.
        alone: whether this is the only process: several would have to agree on the parts before
            they exchange gradients.

    Raises:
        InputError: a single photo is too large, or the process is not alone.
    """
    if not is_out_of_memory(error):
        raise error
    if parts >= batch or not alone:
        less = "data.size" if alone else "data.batch_size, or raise accumulate"
        raise InputError(f"out of memory: lower {less}") from error
    parts = min(2 * parts, batch)
    torch.cuda.empty_cache()
    print(f"out of memory: going on in {parts} parts a step", flush=True)
    return parts
