"""Which colors of a label picture are labels, where it was compressed or has soft edges.

Where two regions meet, a JPEG or a picture that was resized has rows of colors that lie between the
two, and along a straight edge there are many pixels of them. What tells them from a label is that
they are nowhere flat: a label fills some area.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.image.luma import LUMA

NEAR = 48.0
"""Distance in RGB of 0 to 255 within which colors are one label: JPEG moves flat colors by less."""

LEAST = 0.005
"""Share of a picture of many colors that a label has to have: less is what lies on edges."""

MOST = 512
"""Colors that are looked at, the most frequent first."""

WINDOW, EVEN = 5, 12
"""Pixels of a square, and by how much its values may differ from each other, to be called flat."""

FLAT_SHARE = 0.02
"""Of the pixels near to a color, how many have to be in flat places: then it is a label."""


def find_labels(rgb: Tensor, counts: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
    """The labels of a picture of soft edges.

    Args:
        rgb: its colors, ``(U, 3)``, each once, from 0 to 255.
        counts: how many pixels have each.
        index: ``(H, W)``, which of them each pixel has.

    Returns:
        The labels' colors, ``(L, 3)``, the most frequent first; and those of edges, ``(E, 3)``.
    """
    total, left = int(counts.sum()), torch.ones(len(rgb), dtype=torch.bool)
    flat = torch.bincount(index[_flat(rgb, index)], minlength=len(rgb))
    sure, unsure = list[int](), list[int]()
    for place in counts.argsort(descending=True, stable=True)[:MOST]:
        if not left[place]:
            continue
        near = left & ((rgb - rgb[place]).norm(dim=1) <= NEAR)
        left &= ~near
        share = int(counts[near].sum())
        if share < LEAST * total:
            continue
        fills = int(flat[near].sum()) >= max(1.0, FLAT_SHARE * share)
        (sure if fills else unsure).append(int(place))
    edges = {place for place in unsure if _is_of_edge(rgb[place], rgb[sure])}
    labels = {*sure, *unsure} - edges
    order = counts.argsort(descending=True, stable=True)
    is_label = torch.zeros(len(rgb), dtype=torch.bool)
    is_label[list(labels)] = True
    return rgb[order[is_label[order]]], rgb[sorted(edges)]


def _flat(rgb: Tensor, index: Tensor) -> Tensor:
    """``(H, W)``: whether a pixel is in the middle of a square of nearly one color."""
    flat = torch.ones(index.shape, dtype=torch.bool)
    for channel in range(3):  # one by one: a label picture may be large
        values = rgb[:, channel][index][None]
        flat &= (_most(values, WINDOW) + _most(-values, WINDOW))[0] <= EVEN
    return flat


def _most(values: Tensor, side: int) -> Tensor:
    """The greatest value around each pixel of ``(1, H, W)``."""
    return F.max_pool2d(values, side, stride=1, padding=side // 2)


def _is_of_edge(color: Tensor, labels: Tensor) -> bool:
    """Whether a color comes of an edge between two labels."""
    return any(
        _is_between(color, labels[one], labels[other])
        for one in range(len(labels))
        for other in range(one)
    )


def _is_between(color: Tensor, one: Tensor, other: Tensor) -> bool:
    """Whether a color may come of an edge between two others.

    JPEG keeps brightness sharp, and blends what is left of the color over several pixels: the color
    is between the two, while the brightness may be either's.
    """
    points = torch.stack([color, one, other])
    luma, first, second = (points @ points.new_tensor(LUMA)).tolist()
    chroma, start, end = points - (points @ points.new_tensor(LUMA))[:, None]
    along = end - start
    place = ((chroma - start) @ along / (along @ along).clamp_min(1e-9)).clamp(0, 1)
    distance = float((chroma - start - place * along).norm())
    low, high = sorted((first, second))
    return low - NEAR <= luma <= high + NEAR and distance <= NEAR


def is_soft(rgb: Tensor, index: Tensor) -> bool:
    """Whether a picture of few colors has soft edges: rows of blends, one pixel wide.

    Args:
        rgb: its colors, ``(U, 3)``, each once, from 0 to 255.
        index: ``(H, W)``, which of them each pixel has.
    """
    same = index[1:] == index[:-1]
    same = same[:, 1:] & same[:, :-1] & (index[:-1, 1:] == index[:-1, :-1])
    fills = torch.zeros(len(rgb), dtype=torch.bool)
    fills[index[:-1, :-1][same]] = True  # squares of two by two
    full = fills.nonzero()[:, 0].tolist()
    for color in (~fills).nonzero()[:, 0].tolist():
        for number, one in enumerate(full):
            for other in full[:number]:
                if _is_blend(color, one, other, rgb, index):
                    return True
    return False


def _is_blend(color: int, one: int, other: int, rgb: Tensor, index: Tensor) -> bool:
    """Whether a color lies between two others that are far apart, by value and by place."""
    along = rgb[other] - rgb[one]
    if float(along.norm()) <= NEAR or not _is_between(rgb[color], rgb[one], rgb[other]):
        return False
    values = (rgb @ along)[index][None]
    between = (-_most(-values, 3) < values) & (values < _most(values, 3))
    return float(between[0][index == color].float().mean()) > 0.9
