"""Weights that set themselves: how much style a painting takes before the photo gives way.

The same style weight keeps most of the photo under one painting and loses it under another: their
Gram matrices are not equally far from a photo's, nor equally at odds with its content. What a user
means by a strength is the balance that comes out. So a pilot optimizes the pixels of a few photos,
as Gatys et al. 2015 do, and turns the style weight while it does, until the photos' content has
given way by as much as was asked for.
"""

import json
import math
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import FstWarning, InputError
from fst.image.blank import is_blank
from fst.losses.perceptual import PerceptualLoss
from fst.system.files import atomic_file

STRENGTHS = (0.05, 0.95)
"""Targets that pictures can reach: at 0 nothing is painted, at 1 nothing of the photo is left."""

ITERATIONS = 48
PHOTOS = 4
SIDE = 192
"""Of the pilot: steps, photos, and their side in pixels."""

ADAM_RATE = 0.03
"""In units of the [0, 1] range."""

SETTLE = 8
"""Steps before the weight is turned: at first there is no style in the pictures to weigh."""

START = 1.0
"""Style weight that the pilot begins with, in content weights: from below. A photo that too high a
weight has taken apart comes back slowly, and the weight would sink meanwhile."""

TAIL = 8
"""Steps at the end whose mean is the result."""

GAIN = 0.35
"""How far the weight's logarithm follows the content's in a step."""

LIMITS = (1e-3, 1e3)
"""Of the style weight, in content weights."""


class Calibration(NamedTuple):
    """What a pilot found: the style weight, and the mean terms of its last steps, unweighted."""

    style_weight: float
    content: float
    style: float


def calibrate(
    loss: PerceptualLoss,
    photos: Tensor,
    strength: float,
    on_step: Callable[[int, Calibration], None] | None = None,
) -> Calibration:
    """Sets ``loss.style_weight`` so that the pictures' content term comes out at ``strength``.

    Args:
        loss: with a content weight above 0.
        photos: ``(N, 3, H, W)`` in [0, 1], on the loss's device.
        strength: the mean relative error of the content features that is aimed at
            (:func:`fst.losses.functional.content_loss`): 0 is the photo itself, and above 1 none
            is left.
        on_step: told the step and what is known after it.

    Raises:
        InputError: a strength out of :data:`STRENGTHS`, no content weight, a loss that is not
            finite.

    Source:
        The measure is ours; the pilot is Gatys et al. 2015, section 2, with Adam.
    """
    weakest, strongest = STRENGTHS
    if isinstance(strength, bool) or not (
        isinstance(strength, int | float) and weakest <= strength <= strongest
    ):
        raise InputError(f"strength_target must be from {weakest} to {strongest}, not {strength!r}")
    if loss.content_weight == 0:
        raise InputError("without a content weight there is no balance: give style.style_weight")
    low, high = (limit * loss.content_weight for limit in LIMITS)
    weight = START * loss.content_weight
    targets = loss.content_targets(photos)
    pixels = photos.clone().requires_grad_()
    adam = torch.optim.Adam([pixels], lr=ADAM_RATE)
    tail: list[tuple[float, float, float]] = []
    for step in range(ITERATIONS + 1):
        loss.style_weight = weight
        terms = loss(pixels, targets)
        content = terms.content.detach().mean().item() / loss.content_weight
        style = terms.style.detach().mean().item() / weight
        if not (math.isfinite(content) and math.isfinite(style)):
            raise InputError("the calibration's loss is not finite: give style.style_weight")
        if step > ITERATIONS - TAIL:
            tail.append((math.log(weight), content, style))
        if on_step is not None:
            on_step(step, Calibration(weight, content, style))
        adam.zero_grad()
        terms.total.sum().backward()
        adam.step()
        with torch.no_grad():
            pixels.clamp_(0, 1)
        if step >= SETTLE:
            weight *= (strength / max(content, 0.01)) ** GAIN
            weight = min(max(weight, low), high)
    means = [sum(values) / len(tail) for values in zip(*tail, strict=True)]
    loss.style_weight = float(f"{math.exp(means[0]):.3g}")  # digits that can be typed again
    return Calibration(loss.style_weight, means[1], means[2])


def pilot_photos(crops: Sequence[Tensor]) -> Tensor:
    """Some of ``crops``, ``(3, S, S)`` each, as small as a pilot needs them: ``(N, 3, s, s)``.

    Raises:
        InputError: there is none, or none shows anything: then there is no content to keep.
    """
    crops = [crop for crop in crops if not is_blank(crop[None])]
    if not crops:
        raise InputError(
            "the photos to calibrate on are of one color: give data.val_path other ones, or "
            "style.style_weight"
        )
    every = max(1, len(crops) // PHOTOS)
    photos = torch.stack(list(crops[::every][:PHOTOS]))
    if photos.shape[3] <= SIDE:
        return photos
    return F.interpolate(photos, (SIDE, SIDE), mode="bilinear", antialias=True).clamp(0, 1)


def calibrate_once(
    loss: PerceptualLoss, crops: Sequence[Tensor], strength: float, record: Path
) -> Calibration:
    """:func:`calibrate`, or what it found before: an interrupted run goes on with its weight.

    Args:
        loss: its style weight is set.
        crops: photos, ``(3, S, S)`` each, in [0, 1]; at least four, if there are so many.
        strength: as for :func:`calibrate`.
        record: a JSON file; read if it is there for the same strength and loss, else written.
    """
    asked = {"strength_target": strength, "loss": _description(loss)}
    try:
        kept = json.loads(record.read_text(encoding="utf-8"))
        if {key: kept.pop(key) for key in asked} == asked:
            found = Calibration(**kept)
            loss.style_weight = found.style_weight
            return found
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass  # not there, or damaged
    device = next(loss.buffers()).device
    photos = pilot_photos(crops).to(device)
    if len(photos) < PHOTOS:
        warnings.warn(
            f"the style weight is found on {len(photos)} photo{'s' * (len(photos) > 1)} only and "
            f"may not fit others: give {PHOTOS} or more (data.val_path), or style.style_weight",
            FstWarning,
            stacklevel=2,
        )
    found = calibrate(loss, photos, strength, _Told(len(photos)))
    with atomic_file(record) as temporary:
        temporary.write_text(json.dumps({**asked, **found._asdict()}, indent=1))
    return found


class _Told:
    """Says what the pilot does, and how long that takes once a few steps are measured."""

    AT = (3, *range(ITERATIONS // 4, ITERATIONS, ITERATIONS // 4))
    SHORT = 5.0
    """Seconds that are not worth a line."""

    def __init__(self, photos: int) -> None:
        several = "s" * (photos > 1)
        print(f"weighing style against content on {photos} photo{several} ...", flush=True)
        self.began = 0.0

    def __call__(self, step: int, found: Calibration) -> None:
        if step == 0:
            self.began = time.perf_counter()  # the first step also allocates: not measured
        elif step in self.AT:
            left = (time.perf_counter() - self.began) / step * (ITERATIONS - step)
            if left >= self.SHORT:
                print(f"  step {step} of {ITERATIONS}, about {left:.0f} s left", flush=True)


def _description(loss: PerceptualLoss) -> dict[str, Any]:
    """All that the weight depends on, but the photos; the painting by three digits of its Grams."""
    about = {key: value for key, value in loss.describe().items() if key != "style_weight"}
    grams = {name: gram for name, gram in loss.named_buffers() if name.startswith("gram_")}
    return about | {"painting": {name: f"{float(gram.norm()):.3g}" for name, gram in grams.items()}}
