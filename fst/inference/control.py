"""From a photo to the finished picture: how much of which style, where, and in whose colors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.choices import FEATHER, PRESERVE, UPSAMPLE
from fst.errors import InputError
from fst.image.color import preserve_color
from fst.image.guided import guided_upsample
from fst.image.periodic import periodic
from fst.image.picture import MIN_SIDE, Picture, resize, resize_tensor
from fst.inference.masks import load_mask, shares
from fst.inference.stylizers import OnIterate, Stylizer

_ROWS = 1 << 20


@dataclass(frozen=True)
class Control:
    """What is done with what a stylizer paints.

    Attributes:
        strength: 0 gives the photo, 1 the painted picture, what lies between a mixture of both.
        preserve_color: one of :data:`~fst.choices.PRESERVE`, or None.
        size: long side in pixels at which the photo is painted; None is the photo's own.
        upsample: brings what was painted at ``size`` back to the photo's size: ``"guided"``
            (:func:`~fst.image.guided.guided_upsample`) or ``"bicubic"``; None leaves it at
            ``size``.
        feather: of masks, as for :func:`~fst.inference.masks.load_mask`.
        seamless: the result tiles the plane; the stylizers have to be made ``circular``. What is
            mixed in of the photo is then the photo with its borders drawn together.

    Raises:
        InputError: a value out of its range.
    """

    strength: float = 1.0
    preserve_color: str | None = None
    size: int | None = None
    upsample: str | None = None
    feather: float = FEATHER
    seamless: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.strength, int | float) and 0 <= self.strength <= 1):
            raise InputError(f"strength must be from 0 to 1, not {self.strength}")
        if self.preserve_color not in (None, *PRESERVE):
            known = ", ".join(PRESERVE)
            raise InputError(f"preserve_color must be one of {known}, not {self.preserve_color!r}")
        if self.upsample not in (None, *UPSAMPLE):
            known = ", ".join(UPSAMPLE)
            raise InputError(f"upsample must be one of {known}, not {self.upsample!r}")
        if self.upsample is not None and self.size is None:
            raise InputError("upsampling needs a size to paint at")
        if not 0 <= self.feather <= 1:
            raise InputError(f"feather must be from 0 to 1, not {self.feather}")
        if self.seamless and self.upsample == "guided":
            raise InputError("guided upsampling does not tile: take bicubic with seamless")
        if self.size is not None and not (isinstance(self.size, int) and self.size >= MIN_SIDE):
            raise InputError(f"size must be at least {MIN_SIDE}, not {self.size}")


@dataclass(frozen=True)
class Layer:
    """A stylizer, and the mask that says where it paints; None is everywhere."""

    stylizer: Stylizer
    mask: Path | Picture | None = None


def paint(
    picture: Picture,
    layers: Sequence[Layer],
    control: Control | None = None,
    on_iterate: OnIterate | None = None,
) -> Picture:
    """The finished picture.

    Where several styles are painted, each gets the share that its mask gives it; where masks add
    up to more than 1, they are scaled down to 1, and where to less, the rest is the photo.

    Args:
        picture: the photo.
        layers: one style, or several with a mask each.
        control: None paints at the photo's size and full strength.
        on_iterate: sees every iterate of an optimization.

    Returns:
        A picture of the photo's size, or with the long side ``control.size`` where nothing brings
        it back; with the photo's alpha and profile. Where the strength is 0 or all masks are
        black, the photo itself.

    Raises:
        InputError: several styles and one without a mask; a photo too small at this size.
    """
    control = control or Control()
    if len(layers) > 1 and any(layer.mask is None for layer in layers):
        raise InputError("several styles in one picture need a mask each")
    small = picture if control.size is None else resize(picture, control.size)
    if min(small.size) < MIN_SIDE:
        width, height = small.size
        raise InputError(f"at {width}x{height} it is too small, {MIN_SIDE} pixels is the least")
    result = small if control.upsample is None else picture
    photo = result.rgb
    size = (photo.shape[2], photo.shape[3])
    masks = [
        None
        if layer.mask is None
        else load_mask(layer.mask, size, control.feather, picture.size, control.seamless)
        for layer in layers
    ]
    if control.strength == 0 or all(mask is not None and not bool(mask.any()) for mask in masks):
        return result
    if control.seamless:
        photo = periodic(photo)  # what is mixed in has to tile, too
    parts = [None] if masks == [None] else shares([mask for mask in masks if mask is not None])
    finished = photo
    for layer, part in zip(layers, parts, strict=True):
        if part is not None and not bool(part.any()):
            continue
        painted = _painted(small.rgb, photo, layer.stylizer, control, on_iterate)
        if control.preserve_color is not None:
            painted = preserve_color(painted, photo, control.preserve_color)
        finished = _mixed(finished, photo, painted, control.strength, part)
    return replace(result, rgb=finished)


def _painted(
    small: Tensor,
    photo: Tensor,
    stylizer: Stylizer,
    control: Control,
    on_iterate: OnIterate | None,
) -> Tensor:
    """At the photo's size; a tensor of its own."""
    size = (photo.shape[2], photo.shape[3])
    if control.seamless:
        # the net halves twice, and what it pads with has to be the other side
        h, w = small.shape[2:]
        fits = (max(MIN_SIDE, round(h / 4) * 4), max(MIN_SIDE, round(w / 4) * 4))
        painted = stylizer(_resize_periodic(periodic(small), fits), on_iterate)
        painted = _resize_periodic(painted, (h, w))
        return painted if (h, w) == size else _resize_periodic(painted, size)
    painted = stylizer(small, on_iterate)
    if tuple(painted.shape[2:]) == size:
        return painted
    if control.upsample == "guided":
        return guided_upsample(painted, photo)
    return resize_tensor(painted, size)


def _resize_periodic(image: Tensor, size: tuple[int, int]) -> Tensor:
    """Resized as if it were repeated on all sides."""
    h, w = image.shape[2:]
    if (h, w) == size:
        return image
    if size[0] < 0.9 * h or size[1] < 0.9 * w:
        return resize_tensor(image, size)  # antialiased; its borders are a pixel apart as before
    margin = (min(8, h), min(8, w))
    wide = F.pad(image, (margin[1], margin[1], margin[0], margin[0]), mode="circular")
    # bicubic sampling at the places of the picture alone, the margin being there to be read
    scale = (size[0] / h, size[1] / w)
    grid = [
        (torch.arange(n, dtype=torch.float64) + 0.5) / s - 0.5 + m
        for n, s, m in zip(size, scale, margin, strict=True)
    ]
    y = (2 * grid[0] + 1) / wide.shape[2] - 1
    x = (2 * grid[1] + 1) / wide.shape[3] - 1
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)[None].to(image)
    sampled = F.grid_sample(wide, places, mode="bicubic", align_corners=False)
    return sampled.clamp(0, 1)


def _mixed(
    finished: Tensor, photo: Tensor, painted: Tensor, strength: float, part: Tensor | None
) -> Tensor:
    """``finished`` plus this style's share of the way from the photo to what was painted."""
    if part is None:
        return painted if strength == 1 else torch.lerp(photo, painted, strength)
    result = finished.clone() if finished is photo else finished
    step = max(1, _ROWS // photo.shape[3])
    for first in range(0, photo.shape[2], step):
        rows = slice(first, first + step)
        way = painted[:, :, rows] - photo[:, :, rows]
        result[:, :, rows] += strength * part[:, :, rows] * way
    return result.clamp_(0, 1)
