"""What guides an optimization besides its loss: several paintings, regions, colors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from fst.errors import AssetError, InputError, in_a_line
from fst.image.color import preserve_color
from fst.image.labels import Regions, read_labels, regions_of
from fst.image.picture import MIN_SIDE, Picture, resize_tensor
from fst.image.recolor import as_bright, in_gray, recolored
from fst.inference.options import listed
from fst.inference.pixel_options import PixelOptions
from fst.inference.record_pixels import file_said
from fst.inference.small import at_least
from fst.losses.guided import Guide, GuidedLoss
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import Iterate
from fst.styles.objective import style_target
from fst.styles.paintings import find_again
from fst.styles.style import Style

PROPORTIONS = 0.02
"""By how much width to height may differ between a picture and its labels: sides are rounded."""


@dataclass(frozen=True)
class Guidance:
    """The colors and regions of an optimization, known before any photo is.

    Attributes:
        paintings: that are learned from, ``(1, 3, H, W)`` each.
        labels: width and height of the photo's label picture; None where there is none.
        luminance: only brightness is painted; colors are the photo's.
        recolor: one of :data:`~fst.choices.RECOLORS`, or None.
        said: what a result's record says of it.
    """

    paintings: tuple[Tensor, ...]
    labels: tuple[int, int] | None = None
    luminance: bool = False
    recolor: str | None = None
    said: Mapping[str, Any] = field(default_factory=dict)

    def seen(self, picture: Tensor) -> Tensor:
        """A photo or a start, ``(1, 3, H, W)``, as the loss is to see it."""
        return in_gray(picture) if self.luminance else picture

    def judge(self, loss: PerceptualLoss, photo: Tensor, wide: Tensor) -> PerceptualLoss:
        """The loss for one photo, ``(1, 3, H, W)``: a painting may take its colors.

        Args:
            loss: of the style.
            photo: as it is.
            wide: the photo with its rim (:mod:`fst.inference.small`), which is what is optimized.

        Raises:
            InputError: the photo has other proportions than its labels.
        """
        assert isinstance(loss, GuidedLoss)
        height, width = photo.shape[2:]
        if self.labels is not None:
            _check_proportions("the label picture", self.labels, "the photo", (width, height))
        if loss.guide is not None and wide.shape != photo.shape:
            masks = F.adaptive_avg_pool2d(loss.guide.picture[None], (height, width))
            loss = loss.of_masks(at_least(masks, MIN_SIDE)[0][0])
        if self.luminance or self.recolor is not None:
            loss = loss.of_paintings([self._in_colors(one, wide) for one in self.paintings])
        loss.say_left_out(wide.shape[2], wide.shape[3])
        return loss

    def _in_colors(self, painting: Tensor, photo: Tensor) -> Tensor:
        painting = painting.to(photo.device)
        if self.luminance:
            return as_bright(painting, photo)
        assert self.recolor is not None
        return recolored(painting, photo, self.recolor)

    def colored(self, iterates: Iterator[Iterate], photo: Tensor) -> Iterator[Iterate]:
        """The iterates; of painted brightness with the photo's colors."""
        small = photo
        for iterate in iterates:
            if self.luminance:
                size = (iterate.image.shape[2], iterate.image.shape[3])
                if small.shape[2:] != size:  # of a pyramid: once a size, not once an iteration
                    small = resize_tensor(photo, size)
                image = preserve_color(iterate.image.clamp(0, 1), small, "luma")
                iterate = replace(iterate, image=image)
            yield iterate


def is_guided(style: Style, options: PixelOptions) -> bool:
    """Whether it takes more than the loss of one painting."""
    more = (options.labels, options.recolor, options.luminance or None)
    return bool(style.paintings) or any(one is not None for one in more)


def targets_of(style: Style, size: int | None, statistic: str = "gram") -> list[Tensor]:
    """The paintings that a style is optimized for, ``(1, 3, H, W)`` each.

    Args:
        style: with a painting, or several.
        size: long side in pixels; None is each one's own.
        statistic: that is compared, one of :data:`~fst.choices.STATISTICS`.
    """
    found = []
    for one in style.paintings or (style,):
        image = one.picture or one.image
        assert image is not None  # only blends have none
        sha256 = one.about.get("image_sha256")
        found.append(style_target(image, size or one.size, sha256, statistic=statistic))
    return found


def check_regions(style: Style, options: PixelOptions) -> None:
    """That paintings with labels are there: asked before a portrait stands in for one.

    Raises:
        AssetError: one is missing.
    """
    if options.labels is None:
        return
    for one in style.paintings or (style,):
        if one.picture is not None or one.image is None:
            continue
        try:
            find_again(one.image, one.about.get("image_sha256"))
        except AssetError as error:
            raise AssetError(
                f"labels need the painting of {one.name} itself, since a texture portrait has no "
                f"regions: {in_a_line(error)}"
            ) from error


def guided_loss(
    style: Style, options: PixelOptions, targets: Sequence[Tensor], arguments: Mapping[str, Any]
) -> tuple[GuidedLoss, Guidance]:
    """The loss of a style that :func:`is_guided`, and what it is guided by.

    Args:
        style: with a painting, or several.
        options: of the optimization.
        targets: from :func:`targets_of`.
        arguments: of a :class:`~fst.losses.perceptual.PerceptualLoss`, but its painting.

    Raises:
        InputError: labels that can't be read, or that don't belong to each other.
    """
    regions, size = None, None
    said: dict[str, Any] = {}
    if options.labels is not None:
        regions, size = _regions(style, options, targets)
        said["labels"] = _said(options.labels)
        said["style_labels"] = [_said(one) for one in listed(options.style_labels)]
    if options.recolor is not None:
        said["recolor"] = options.recolor
    if options.luminance:
        said["luminance"] = True
    shares = list(style.shares.values()) if style.paintings else [1.0]
    guide = None if regions is None else Guide(*regions)
    loss = GuidedLoss(targets, shares, guide, **arguments)
    how = (bool(options.luminance), options.recolor)
    return loss, Guidance(tuple(targets), size, *how, said=said)


def _regions(
    style: Style, options: PixelOptions, targets: Sequence[Tensor]
) -> tuple[Regions, tuple[int, int]]:
    """The regions, and width and height of the photo's labels."""
    assert options.labels is not None
    styles, given = style.paintings or (style,), listed(options.style_labels)
    if len(given) != len(styles):
        raise InputError(
            f"{len(styles)} painting{'s' * (len(styles) > 1)} and {len(given)} style_labels "
            "(--style-labels): give each painting its own, in the same order"
        )
    photo = read_labels(options.labels, "the photo's label picture")
    named = [f"the label picture of {one.name}" for one in styles]
    paintings = [read_labels(*both) for both in zip(given, named, strict=True)]
    for one, labels, target in zip(styles, paintings, targets, strict=True):
        here = (target.shape[3], target.shape[2])
        _check_proportions(labels.name, labels.size, one.asked, here)
    return regions_of(photo, paintings), photo.size


def _check_proportions(
    labels: str, theirs: tuple[int, int], picture: str, its: tuple[int, int]
) -> None:
    ratio = theirs[0] / theirs[1] / (its[0] / its[1])
    tolerance = PROPORTIONS + 1 / min(*theirs, *its)
    if not 1 / (1 + tolerance) <= ratio <= 1 + tolerance:
        raise InputError(
            f"{labels} {theirs[0]}x{theirs[1]} has other proportions than {picture} "
            f"{its[0]}x{its[1]}: labels show the same picture"
        )


def _said(source: object) -> dict[str, Any]:
    """A label picture in a record, without its folder."""
    if isinstance(source, Picture):
        return {"name": "picture"}
    return file_said(Path(str(source)))
