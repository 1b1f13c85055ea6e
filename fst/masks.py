"""Where a style is painted: masks, feathered, and several styles in one picture."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from fst.errors import FstWarning
from fst.image import load_image, resize_tensor

FEATHER = 0.01
"""Standard deviation of the feathering, as a share of the picture's long side."""


def load_mask(path: str | Path, size: tuple[int, int], feather: float = FEATHER) -> Tensor:
    """How much of a style each pixel gets.

    Args:
        path: of a picture: white where the style is painted, black where not, gray in between. A
            transparent pixel is black.
        size: height and width of the photo in pixels; a mask of another size is resized, with a
            warning.
        feather: standard deviation of the blur over the mask's edges, as a share of the picture's
            long side; 0 leaves them as they are.

    Returns:
        ``(1, 1, H, W)`` in [0, 1].

    Raises:
        InputError: the mask can't be read.
    """
    picture = load_image(path, min_side=1)
    mask = picture.rgb.mean(1, keepdim=True)
    if picture.alpha is not None:
        mask = mask * picture.alpha
    if tuple(mask.shape[2:]) != size:
        width, height = picture.size
        warnings.warn(
            f"{path}: the mask is {width}x{height}, the photo {size[1]}x{size[0]}: resized",
            FstWarning,
            stacklevel=2,
        )
        mask = resize_tensor(mask, size)
    if not bool(mask.any()):
        warnings.warn(
            f"{path}: the mask has no white: nothing is painted there", FstWarning, stacklevel=2
        )
        return mask
    return feathered(mask, feather * max(size))


def feathered(mask: Tensor, sigma: float) -> Tensor:
    """``(1, 1, H, W)`` blurred by a Gaussian of ``sigma`` pixels; flat areas stay exact."""
    if sigma < 0.3:
        return mask
    size = mask.shape[2:]
    # a wide Gaussian is as good on a smaller picture, and quick
    shrink = max(1, int(sigma // 4))
    small = resize_tensor(mask, (-(-size[0] // shrink), -(-size[1] // shrink)))
    sigma /= shrink
    radius = min(int(3 * sigma + 0.5), min(small.shape[2:]) - 1)
    if radius < 1:
        return mask
    small = transforms.gaussian_blur(small, [2 * radius + 1] * 2, [sigma] * 2)
    blurred = torch.nn.functional.interpolate(small, size, mode="bilinear", align_corners=False)
    # rounding must not leave a trace of the style where the mask is black all around
    blurred = torch.where(blurred < 1e-4, 0.0, blurred)
    return torch.where(blurred > 1 - 1e-4, 1.0, blurred)


def shares(masks: Sequence[Tensor]) -> list[Tensor]:
    """Masks that together nowhere exceed 1; what is left to 1 is the photo's share."""
    total = torch.stack(list(masks)).sum(0).clamp_min(1)
    return [mask / total for mask in masks]
