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
SIDE = 192
"""Of the pilot: steps, and its photos' side in pixels. Smaller ones would cost less, but the weight
comes out lower then: at 96 pixels at less than half, and not by one factor for all paintings."""

PHOTOS = 4
LIGHT_PHOTOS = 16
"""Of the pilot: where VGG-19 judges, and where a network does that costs a sixteenth.
Which four are taken moves the weight by as much as a factor of three."""

LIGHT_CHANNELS = 16
"""Of a network's first layer, up to which it is such a one; VGG-19 has 64."""

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
    """What a pilot found: the style weight, and the mean terms of its last steps, unweighted.

    Attributes:
        style_weight: that was set.
        content: of all photos.
        style: likewise.
        least: the content of the photo that gave way least; None in a record of an earlier version.
        most: of the one that gave way most.
        photos: how many there were.
    """

    style_weight: float
    content: float
    style: float
    least: float | None = None
    most: float | None = None
    photos: int | None = None


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
    _check(loss, strength)
    low, high = (limit * loss.content_weight for limit in LIMITS)
    weight = START * loss.content_weight
    targets = loss.content_targets(photos)
    pixels = photos.clone().requires_grad_()
    adam = torch.optim.Adam([pixels], lr=ADAM_RATE)
    tail: list[tuple[float, float, float]] = []
    of_each: list[Tensor] = []
    for step in range(ITERATIONS + 1):
        loss.style_weight = weight
        terms = loss(pixels, targets)
        content = terms.content.detach().mean().item() / loss.content_weight
        style = terms.style.detach().mean().item() / weight
        if not (math.isfinite(content) and math.isfinite(style)):
            raise InputError("the calibration's loss is not finite: give style.style_weight")
        if step > ITERATIONS - TAIL:
            tail.append((math.log(weight), content, style))
            of_each.append(terms.content.detach() / loss.content_weight)
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
    least, most = torch.stack(of_each).mean(0).aminmax()
    spread = (float(least), float(most), len(photos))
    return Calibration(loss.style_weight, means[1], means[2], *spread)


def _check(loss: PerceptualLoss, strength: object) -> None:
    """That there can be a balance."""
    weakest, strongest = STRENGTHS
    if isinstance(strength, bool) or not (
        isinstance(strength, int | float) and weakest <= strength <= strongest
    ):
        raise InputError(f"strength_target must be from {weakest} to {strongest}, not {strength!r}")
    if loss.content_weight == 0:
        raise InputError("without a content weight there is no balance: give style.style_weight")


def photos_for(loss: PerceptualLoss) -> int:
    """How many photos a pilot takes: more where a step of it costs less."""
    light = len(loss.vgg.features_0_weight) <= LIGHT_CHANNELS
    return LIGHT_PHOTOS if light else PHOTOS


def pilot_photos(crops: Sequence[Tensor], count: int) -> Tensor:
    """Some of ``crops``, ``(3, S, S)`` each, as small as a pilot needs them: ``(N, 3, s, s)``.

    Args:
        crops: evenly spread ones of them are taken.
        count: at most so many.

    Raises:
        InputError: there is none, or none shows anything: then there is no content to keep.
    """
    crops = [crop for crop in crops if not is_blank(crop[None])]
    if not crops:
        raise InputError(
            "the photos to calibrate on are of one color: give data.val_path other ones, or "
            "style.style_weight"
        )
    every = max(1, len(crops) // count)
    photos = torch.stack(list(crops[::every][:count]))
    if photos.shape[3] <= SIDE:
        return photos
    return F.interpolate(photos, (SIDE, SIDE), mode="bilinear", antialias=True).clamp(0, 1)


def calibrate_once(
    loss: PerceptualLoss, crops: Sequence[Tensor], strength: float, record: Path
) -> Calibration:
    """:func:`calibrate`, or what it found before: an interrupted run goes on with its weight.

    Args:
        loss: its style weight is set.
        crops: photos, ``(3, S, S)`` each, in [0, 1]; as many as :func:`photos_for` says.
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
    photos = pilot_photos(crops, photos_for(loss)).to(device)
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
    """All that the weight depends on, but the photos; the painting by three digits."""
    about = {key: value for key, value in loss.describe().items() if key != "style_weight"}
    known = loss.of_painting()
    return about | {"painting": {name: f"{float(of.norm()):.3g}" for name, of in known.items()}}
