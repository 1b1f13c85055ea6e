"""Where a style is painted: masks, feathered, and several styles in one picture."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.choices import FEATHER, MAX_PIXELS
from fst.errors import FstWarning, InputError
from fst.image.io import load_image
from fst.image.picture import Picture, resize_tensor


@dataclass(eq=False)
class Mask:
    """A mask that was read; how much of a style each of its pixels gets.

    Attributes:
        values: ``(1, 1, H, W)`` in [0, 1].
        name: what to call it in messages.
        of: what to call there what is painted.
    """

    values: Tensor
    name: str = "the mask"
    of: str = "the photo"
    _fitted: dict[Any, Tensor] = field(default_factory=dict, init=False, repr=False)

    def fitted(self, key: Any, make: Callable[[], Tensor]) -> Tensor:
        """What ``make`` gives, kept while the key is the same: a folder's photos often have one."""
        kept = self._fitted.get(key)
        if kept is None:  # other threads may do so, too: each takes what it made itself
            kept = make()
            self._fitted = {key: kept}
        return kept


def read_mask(source: str | Path | Picture, max_pixels: int = MAX_PIXELS) -> Mask:
    """A mask for any number of photos.

    Args:
        source: a picture or its path: white where the style is painted, black where not, gray in
            between. A transparent pixel is black.
        max_pixels: refuse a larger file.

    Raises:
        InputError: it can't be read, or it counts from 0 to 1 where 255 is white.
    """
    if isinstance(source, Picture):
        picture, name = source, "the mask"
    else:
        picture, name = load_image(source, max_pixels, 1), f"{source}: the mask"
    values = picture.rgb.mean(1, keepdim=True)
    if abs(float(values.max()) - 1 / 255) < 1e-6:
        raise InputError(f"{name} has no value above 1 of 255: white is 255 (or true, or 1.0)")
    return Mask(values if picture.alpha is None else values * picture.alpha, name)


def load_mask(
    source: str | Path | Picture | Mask,
    size: tuple[int, int],
    feather: float = FEATHER,
    of: tuple[int, int] | None = None,
    circular: bool = False,
) -> Tensor:
    """How much of a style each pixel gets.

    Args:
        source: as for :func:`read_mask`, or what that gave.
        size: height and width of what is painted, in pixels.
        feather: standard deviation of the blur over the mask's edges, as a share of the picture's
            long side; 0 leaves them as they are.
        of: width and height of the photo, where it is painted at another size. A mask of another
            size than the photo's is resized with a warning.
        circular: the blur goes on at the other side of the picture.

    Returns:
        ``(1, 1, H, W)`` in [0, 1]; not to be changed.

    Raises:
        InputError: the mask can't be read.
    """
    mask = source if isinstance(source, Mask) else read_mask(source)
    photo = of or (size[1], size[0])
    key = (size, feather, photo, circular)
    return mask.fitted(key, lambda: _fit(mask, size, feather, photo, circular))


def _fit(
    mask: Mask, size: tuple[int, int], feather: float, photo: tuple[int, int], circular: bool
) -> Tensor:
    height, width = mask.values.shape[2:]
    if (width, height) != photo:
        warnings.warn(
            f"{mask.name} is {width}x{height}, {mask.of} {photo[0]}x{photo[1]}: resized",
            FstWarning,
            stacklevel=4,
        )
    values = resize_tensor(mask.values, size)
    if not bool(values.any()):
        warnings.warn(
            f"{mask.name} has no white: nothing is painted there", FstWarning, stacklevel=4
        )
        return values
    return feathered(values, feather * max(size), circular)


def feathered(mask: Tensor, sigma: float, circular: bool = False) -> Tensor:
    """``(1, 1, H, W)`` blurred by a Gaussian of ``sigma`` pixels; flat areas stay exact."""
    if sigma < 0.3:
        return mask
    size = mask.shape[2:]
    h, w = size
    # a wide Gaussian is as good on a smaller picture, and quick
    shrink = max(1, int(sigma // 4))
    small = resize_tensor(mask, (-(-h // shrink), -(-w // shrink)))
    sigmas = [sigma * small.shape[3] / w, sigma * small.shape[2] / h]
    radii = [int(3 * s + 0.5) for s in sigmas]
    # beyond the border the mask goes on as it ends there, or at the other side
    margin: tuple[int, ...] = (radii[0], radii[0], radii[1], radii[1])
    padded = small
    while any(margin):  # circular padding takes at most a whole picture at a time
        limit = (small.shape[3], small.shape[3], small.shape[2], small.shape[2])
        step = tuple(min(a, b) for a, b in zip(margin, limit, strict=True))
        padded = F.pad(padded, step, mode="circular" if circular else "replicate")
        margin = tuple(a - b for a, b in zip(margin, step, strict=True))
    # torchvision has this, too, but its import takes as long as all others together
    across, down = (_gaussian(*of).to(mask) for of in zip(radii, sigmas, strict=True))
    blurred = F.conv2d(F.conv2d(padded, across[None, None, None]), down[None, None, :, None])
    blurred = F.interpolate(blurred, (h, w), mode="bilinear", align_corners=False)
    # rounding must not leave a trace of the style where the mask is black all around
    blurred = torch.where(blurred < 1e-4, 0.0, blurred)
    return torch.where(blurred > 1 - 1e-4, 1.0, blurred)


def _gaussian(radius: int, sigma: float) -> Tensor:
    places = torch.arange(-radius, radius + 1, dtype=torch.float64) / sigma
    return torch.softmax(-places.square() / 2, 0)


def shares(masks: Sequence[Tensor]) -> list[Tensor]:
    """Masks that together nowhere exceed 1; what is left to 1 is the photo's share."""
    total = torch.stack(list(masks)).sum(0).clamp_min(1)
    return [mask / total for mask in masks]
