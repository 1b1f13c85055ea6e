"""Neural patches: every small part of the picture as some part of the painting (CNN-MRF)."""

import math
from functools import partial

import torch
from torch import Tensor

from fst.errors import InputError
from fst.losses.functional import at_least_float32
from fst.losses.style.choice import SIZE, STRIDE
from fst.losses.style.statistic import Statistic, Target, relative

LAYERS = {"relu3_1": 1.0, "relu4_1": 1.0}
"""Of Li & Wand, section 4."""

MEMORY = 256 << 20
"""Bytes that looking for the nearest patches takes at most, besides the features themselves."""


def patches(size: int = SIZE, stride: int = STRIDE, memory: int = MEMORY) -> Statistic:
    """The statistic for patches of a size.

    Args:
        size: side of a patch, in positions of a layer.
        stride: positions from one patch to the next, of pictures and paintings, at most ``size``.
        memory: bytes to look for nearest patches with; less takes more parts, and finds the same.
    """
    judged = partial(error, size=size, stride=stride, memory=memory)
    return Statistic(partial(measure, size=size, stride=stride), judged, layers=LAYERS)


def measure(features: Tensor, size: int = SIZE, stride: int = STRIDE) -> dict[str, Tensor]:
    """Of the painting: its ``features`` and its patches' mean squared length, ``energy``, ``(1,)``.

    Raises:
        InputError: no patch fits into the features.
    """
    features = at_least_float32(features).contiguous()
    height, width = features.shape[2:]
    corners = _corners(height, width, size, stride, features.device)
    places = corners + _offsets(width, size, features.device)[:, None]
    energy = features[0].square().sum(0).flatten()[places].sum(0).mean()
    return {"features": features, "energy": energy[None]}


def error(
    features: Tensor,
    target: Target,
    draw: int = 0,
    size: int = SIZE,
    stride: int = STRIDE,
    memory: int = MEMORY,
) -> Tensor:
    """How far a picture's patches are from those of the painting that are most like them.

    ``sum_i |P_i - Q_n(i)|^2`` over the picture's patches, in mean squared lengths of the painting's
    patches, where ``Q_n(i)`` has the greatest normalized cross-correlation with ``P_i``. Patches
    overlap, so all that is wanted of one position is the mean of what they want there, and how far
    they differ: gradients need no memory for patches.

    Args:
        features: ``(N, C, H, W)``, of the pictures being judged.
        target: from :func:`measure`.
        draw: nothing is drawn.
        size: side of a patch.
        stride: positions from one patch to the next; there is always one at the border.
        memory: bytes, as for :func:`nearest`.

    Returns:
        ``(N,)``, at least 0; about 1 for features that are zero.

    Raises:
        InputError: no patch fits into the features.

    Source:
        Li & Wand 2016, "Combining Markov Random Fields and Convolutional Neural Networks for Image
        Synthesis", eq. 2 and 3, up to the normalization.
    """
    features = at_least_float32(features)
    height, width = features.shape[2:]
    corners = _corners(height, width, size, stride, features.device)
    errors = []
    for picture in features.flatten(2):  # (C, H * W)
        found = nearest(
            picture.view(-1, height, width), target["features"][0], size, stride, memory
        )
        mean, count, spread = _wanted(picture, corners, width, target["features"][0], found, size)
        errors.append((count * (picture - mean).square()).sum() + spread)
    return relative(torch.stack(errors), target["energy"] * len(corners))


@torch.no_grad()
def nearest(
    picture: Tensor, painting: Tensor, size: int, stride: int, memory: int = MEMORY
) -> Tensor:
    """For every patch of a picture, the place of the painting's that is most like it.

    Args:
        picture: ``(C, H, W)``.
        painting: ``(C, H', W')``.
        size: side of a patch.
        stride: from one patch to the next.
        memory: bytes for patches and their correlations; never less than one patch with another.

    Returns:
        ``(patches of the picture,)`` int64: where in ``H' * W'`` the patch begins.
    """
    device, depth = picture.device, len(picture) * size * size
    own, theirs = (
        _corners(x.shape[1], x.shape[2], size, stride, device) for x in (picture, painting)
    )
    of_own, of_theirs = (_offsets(x.shape[2], size, device) for x in (picture, painting))
    # two parts of p patches and their correlations: 2 p depth + p^2 numbers; half for what BLAS
    # and the division take
    numbers = memory / 2 / picture.element_size()
    part = max(1, int(math.sqrt(depth**2 + numbers) - depth))
    picture, painting = picture.flatten(1), painting.flatten(1)
    found = []
    for begin in torch.split(own, part):
        taken = _cut(picture, begin, of_own)  # (depth, p)
        best = torch.full((len(begin),), -torch.inf, dtype=picture.dtype, device=device)
        place = theirs[0].repeat(len(begin))
        for candidates in torch.split(theirs, part):
            others = _cut(painting, candidates, of_theirs)
            others /= others.norm(dim=0).clamp_min(torch.finfo(others.dtype).tiny)
            # the length of the picture's own patch makes none of the others better
            value, index = (others.T @ taken).max(0)
            better = value > best
            best = torch.where(better, value, best)
            place = torch.where(better, candidates[index], place)
        found.append(place)
    return torch.cat(found)


@torch.no_grad()
def _wanted(
    picture: Tensor, corners: Tensor, width: int, painting: Tensor, found: Tensor, size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """What the nearest patches want of every position: mean, how many want it, squared spread."""
    own = _offsets(width, size, picture.device)
    theirs = _offsets(painting.shape[2], size, picture.device)
    painting = painting.flatten(1)
    total, count = torch.zeros_like(picture), torch.zeros_like(picture[0])
    for here, there in zip(own, theirs, strict=True):
        total.index_add_(1, corners + here, painting[:, found + there])
        count.index_add_(0, corners + here, torch.ones_like(count[: len(corners)]))
    mean = total / count.clamp_min(1)
    spread = torch.zeros_like(mean[0, 0])
    for here, there in zip(own, theirs, strict=True):
        spread += (painting[:, found + there] - mean[:, corners + here]).square().sum()
    return mean, count, spread


def _corners(height: int, width: int, size: int, stride: int, device: torch.device) -> Tensor:
    """Where patches begin, as places in ``height * width``; the last ones end at the border."""
    if min(height, width) < size:
        raise InputError(
            f"patches of {size} x {size} don't fit into features of {width} x {height}: take a "
            "larger picture or style size, a smaller patch_size, or layers that are less deep"
        )
    rows, columns = (
        torch.tensor(sorted({*range(0, side - size, stride), side - size}), device=device)
        for side in (height, width)
    )
    return (rows[:, None] * width + columns).flatten()


def _offsets(width: int, size: int, device: torch.device) -> Tensor:
    """From a patch's first position to all of them, ``(size * size,)``."""
    side = torch.arange(size, device=device)
    return (side[:, None] * width + side).flatten()


def _cut(features: Tensor, corners: Tensor, offsets: Tensor) -> Tensor:
    """Some patches as columns: ``(C * size * size, p)`` of ``(C, H * W)``."""
    return features[:, offsets[:, None] + corners].flatten(0, 1)


PATCHES = patches()
