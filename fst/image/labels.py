"""Label pictures: a color, or a gray value, says which region each pixel belongs to."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image.io import load_image
from fst.image.label_colors import NEAR, find_labels, is_soft
from fst.image.picture import Picture

FLAT = 32
"""Colors up to which each one is a label of its own, however near to others: classes are often
written as gray 0, 1, 2. A picture of more colors was compressed, or has soft edges; one of fewer
may have soft edges, too (:func:`~fst.image.label_colors.is_soft`)."""

NOISY = 0.1
"""Share of a picture that may be far from all labels: more, and it is a photo."""

SOFT = 0.3
"""Share of a picture that may lie on edges: more, and it is a photo."""

Color = tuple[int, int, int]


@dataclass(frozen=True)
class Labels:
    """A label picture that was read.

    Attributes:
        colors: its labels, each as RGB from 0 to 255.
        index: ``(H, W)``, the place in ``colors`` of each pixel's label.
        name: what to call it in messages.
    """

    colors: tuple[Color, ...]
    index: Tensor
    name: str = "the label picture"

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.index.shape[1], self.index.shape[0]


class Regions(NamedTuple):
    """What label pictures say of a photo and its paintings.

    Attributes:
        names: of the regions: their colors, as ``#ff0000``.
        photo: ``(R, H, W)`` float32 in [0, 1]: which pixels are a region's.
        paintings: the same of every painting, all 0 where it lacks a region.
    """

    names: tuple[str, ...]
    photo: Tensor
    paintings: tuple[Tensor, ...]


def read_labels(
    source: str | Path | Picture, name: str = "the label picture", max_pixels: int = MAX_PIXELS
) -> Labels:
    """The labels of a picture.

    Args:
        source: a picture of few flat colors, or its path. What is transparent in it has the label
            beside it.
        name: what to call it in messages, where it is no file.
        max_pixels: refuse a larger file.

    Raises:
        InputError: it can't be read, or it has no few flat colors.
    """
    if isinstance(source, Picture):
        picture = source
    else:
        picture, name = load_image(source, max_pixels, 1), str(source)
    bytes_ = picture.rgb[0].mul(255).round().long()  # (3, H, W)
    codes = (bytes_[0] << 16) | (bytes_[1] << 8) | bytes_[2]
    found, inverse, counts = torch.unique(codes, return_inverse=True, return_counts=True)
    rgb = torch.stack([found >> 16, (found >> 8) & 255, found & 255], 1).float()  # (U, 3)
    exact = len(found) <= FLAT and not _is_jpeg(source)
    if exact and not is_soft(rgb, inverse):
        return Labels(tuple(_color(int(code)) for code in found), inverse, name)
    centers, edges = find_labels(rgb, counts, inverse)
    noise, blends = _far(rgb, counts, torch.cat([centers, edges])), _far(rgb, counts, centers)
    if not 0 < len(centers) <= FLAT or noise > NOISY or blends > SOFT:
        raise InputError(
            f"{name} is no picture of labels: it has {len(found)} colors, where each region has to "
            "have one flat color (PNG keeps it)"
        )
    colors = tuple(_color(int(code)) for code in _codes(centers))
    return Labels(colors, torch.cdist(rgb, centers).argmin(1)[inverse], name)


def _far(rgb: Tensor, counts: Tensor, known: Tensor) -> float:
    """The share of pixels that are near to none of the known colors."""
    if not len(known):
        return 1.0
    return float(counts[torch.cdist(rgb, known).amin(1) > NEAR].sum()) / float(counts.sum())


def _is_jpeg(source: str | Path | Picture) -> bool:
    """Whether it is a file whose colors are never exact, however few there are."""
    if isinstance(source, Picture) or not Path(source).is_file():
        return False
    with open(source, "rb") as file:
        return file.read(3) == b"\xff\xd8\xff"


def _codes(rgb: Tensor) -> Tensor:
    values = rgb.long()
    return (values[:, 0] << 16) | (values[:, 1] << 8) | values[:, 2]


def _color(code: int) -> Color:
    return code >> 16, (code >> 8) & 255, code & 255


def _named(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def regions_of(photo: Labels, paintings: Sequence[Labels]) -> Regions:
    """The regions of a photo, and where they are in its paintings.

    The same color is the same region; else it is the nearest color of the others, if one is near:
    nearer than two labels of one picture are to each other.

    Args:
        photo: its labels.
        paintings: those of every painting.

    Raises:
        InputError: a region of the photo that no painting has; names its color.
    """
    near = min((NEAR, *(_apart(labels.colors) / 2.01 for labels in (photo, *paintings))))
    known: list[Color] = []  # of the paintings
    places = []
    for labels in paintings:
        before = tuple(known)
        own = []
        for color in labels.colors:
            if (place := _counterpart(color, before, near)) is None:
                place = len(known)
                known.append(color)
            own.append(place)
        places.append(own)
    of_photo = [_counterpart(color, known, near) for color in photo.colors]
    lost = [_named(c) for c, place in zip(photo.colors, of_photo, strict=True) if place is None]
    if lost:
        others = " or ".join(labels.name for labels in paintings)
        raise InputError(
            f"{photo.name} has the label {' and '.join(lost)}, which {others} lacks: there are "
            f"{', '.join(map(_named, known))}"
        )
    used = sorted({place for place in of_photo if place is not None})
    wanted = {place: number for number, place in enumerate(used)}
    return Regions(
        tuple(_named(known[place]) for place in used),
        _masks(photo, of_photo, wanted),
        tuple(_masks(one, own, wanted) for one, own in zip(paintings, places, strict=True)),
    )


def _apart(colors: Sequence[Color]) -> float:
    """The least distance between two colors of a picture."""
    distances = torch.pdist(torch.tensor(colors).float())
    return float(distances.min()) if len(distances) else math.inf


def _counterpart(color: Color, known: Sequence[Color], near: float) -> int | None:
    """The place of the color that is meant; None where none is near."""
    if color in known:
        return list(known).index(color)
    if not known:
        return None
    distances = (torch.tensor(known).float() - torch.tensor(color).float()).norm(dim=1)
    place = int(distances.argmin())
    return place if float(distances[place]) <= near else None


def _masks(labels: Labels, places: Sequence[int | None], wanted: dict[int, int]) -> Tensor:
    """``(R, H, W)``: 1 where a pixel's label is the region's."""
    masks = torch.zeros(len(wanted), *labels.index.shape)
    for own, place in enumerate(places):
        if place in wanted:
            masks[wanted[place]] += labels.index == own
    return masks
