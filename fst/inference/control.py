"""From a photo to the finished picture: how much of which style, where, and in whose colors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from fst.choices import FEATHER, PRESERVE, UPSAMPLE
from fst.errors import InputError
from fst.image.color import preserve_color
from fst.image.guided import guided_upsample
from fst.image.periodic import periodic, resize_periodic
from fst.image.picture import MIN_SIDE, Picture, resize, resize_tensor
from fst.inference.masks import Mask, load_mask, shares
from fst.inference.optimizing import OnIterate
from fst.inference.stylizers import Stylizer
from fst.system.checks import number, one_of, optional, plain, switch, whole_number

LARGEST = 1_000_000
"""Of the sides that can be asked for, in pixels: far beyond what anybody paints."""

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
        for name in ("strength", "feather"):  # a NumPy number becomes Python's
            object.__setattr__(self, name, _share(name, getattr(self, name)))
        optional(one_of, "preserve_color", self.preserve_color, PRESERVE)
        optional(one_of, "upsample", self.upsample, UPSAMPLE)
        object.__setattr__(self, "seamless", switch("seamless", self.seamless))
        size = optional(whole_number, "size", self.size, MIN_SIDE, LARGEST)
        object.__setattr__(self, "size", size)
        if self.upsample is not None and self.size is None:
            raise InputError("upsample (--upsample) needs a size (--size) to paint at")
        if self.seamless and self.upsample == "guided":
            raise InputError("guided upsampling does not tile: take bicubic with seamless")


def _share(name: str, value: object) -> float:
    """From 0 to 1; a millionth beyond is rounding, as in ten times a tenth."""
    found = plain(value)
    if isinstance(found, float) and (-1e-6 < found < 0 or 1 < found < 1 + 1e-6):
        return float(round(found))
    return number(name, value, 0, 1)


@dataclass(frozen=True)
class Layer:
    """A stylizer, and the mask that says where it paints; None is everywhere.

    A mask that is to be read once for many photos is a :class:`~fst.inference.masks.Mask`.
    """

    stylizer: Stylizer
    mask: Path | Picture | Mask | None = None


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
        InputError: several styles and one without a mask; a mask that can't be read.
    """
    control = control or Control()
    canvas = prepared(picture, layers, control)
    if not canvas.parts:
        return canvas.result
    finished = canvas.photo
    for layer, part in zip(layers, canvas.parts, strict=True):
        if part is None or bool(part.any()):
            finished = canvas.mixed(finished, _painted(canvas, layer.stylizer, on_iterate), part)
    return replace(canvas.result, rgb=finished)


def paint_together(canvases: Sequence["Canvas"], stylizer: Stylizer) -> list[Picture]:
    """The finished pictures of several photos, painted in one style, everywhere, in one pass.

    Args:
        canvases: prepared with one layer without a mask; to be painted at one size.
        stylizer: that of the layer.

    Returns:
        Of each photo what :func:`paint` makes of it.
    """
    asked = [canvas for canvas in canvases if canvas.parts]
    if len(asked) > 1 and not asked[0].control.seamless:
        painted = torch.split(stylizer(torch.cat([canvas.small for canvas in asked])), 1)
    else:
        painted = tuple(_painted(canvas, stylizer, None) for canvas in asked)
    waiting = iter(painted)
    return [
        replace(canvas.result, rgb=canvas.mixed(canvas.photo, next(waiting), None))
        if canvas.parts
        else canvas.result
        for canvas in canvases
    ]


@dataclass(frozen=True)
class Canvas:
    """A photo that is ready to be painted on, and what is done with what was painted.

    Attributes:
        control: how it is painted.
        small: the photo at the size to paint at, ``(1, 3, H, W)``.
        result: the photo as the result is to be: of its size, with alpha and profile.
        photo: the colors of that, ``(1, 3, H', W')``; they tile where the result has to.
        parts: the share of every layer at each pixel, ``(1, 1, H', W')``; a layer without a mask
            has None, and there is none where nothing is painted.
    """

    control: Control
    small: Tensor
    result: Picture
    photo: Tensor
    parts: Sequence[Tensor | None]

    def fitted(self, painted: Tensor) -> Tensor:
        """What was painted at any size, at the size of the result."""
        size = (self.photo.shape[2], self.photo.shape[3])
        if tuple(painted.shape[2:]) == size:
            return painted
        if self.control.seamless:
            return resize_periodic(painted, size)
        if self.control.upsample == "guided":
            return guided_upsample(painted, self.photo)
        return resize_tensor(painted, size)

    def mixed(self, finished: Tensor, painted: Tensor, part: Tensor | None) -> Tensor:
        """``finished`` with what a layer has painted there: in these colors, at this strength."""
        control, photo = self.control, self.photo
        painted = self.fitted(painted)
        if control.preserve_color is not None:
            painted = preserve_color(painted, photo, control.preserve_color, self.result.alpha)
        return _mixed(finished, photo, painted, control.strength, part)


def prepared(picture: Picture, layers: Sequence[Layer], control: Control) -> Canvas:
    """The canvas of a photo; see :func:`paint`."""
    if len(layers) > 1 and any(layer.mask is None for layer in layers):
        raise InputError("several styles in one picture need a mask each")
    small = picture if control.size is None else resize(picture, control.size)
    result = small if control.upsample is None else picture
    masks = _masks(layers, result, picture, control)
    if control.strength == 0 or all(mask is not None and not bool(mask.any()) for mask in masks):
        return Canvas(control, small.rgb, result, result.rgb, [])
    # what is mixed in has to tile, too
    photo = periodic(result.rgb) if control.seamless else result.rgb
    parts = [None] if masks == [None] else shares([mask for mask in masks if mask is not None])
    return Canvas(control, small.rgb, result, photo, parts)


def _masks(
    layers: Sequence[Layer], result: Picture, photo: Picture, control: Control
) -> list[Tensor | None]:
    """Of every layer, at the size of the result."""
    size = (result.size[1], result.size[0])
    return [
        None
        if layer.mask is None
        else load_mask(layer.mask, size, control.feather, photo.size, control.seamless)
        for layer in layers
    ]


def _painted(canvas: Canvas, stylizer: Stylizer, on_iterate: OnIterate | None) -> Tensor:
    """At the size to paint at, or about that; a tensor of its own."""
    if not canvas.control.seamless:
        return stylizer(canvas.small, on_iterate)
    h, w = canvas.small.shape[2:]
    # a picture that is too small for the net is painted as several tiles
    tiles = periodic(canvas.small).repeat(1, 1, _repeats(h), _repeats(w))
    # the net halves twice, and what it pads with has to be the other side
    fits = (round(tiles.shape[2] / 4) * 4, round(tiles.shape[3] / 4) * 4)
    painted = stylizer(resize_periodic(tiles, fits), on_iterate)
    return resize_periodic(painted, (tiles.shape[2], tiles.shape[3]))[:, :, :h, :w]


def _repeats(side: int) -> int:
    """How many copies make a side that a net takes; of a small one, a multiple of 4 pixels."""
    if side >= MIN_SIDE:
        return 1
    return next(n for n in range(1, MIN_SIDE + 1) if n * side >= MIN_SIDE and n * side % 4 == 0)


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
