"""The photos that a file is calibrated on, and those that it is proved with: never the same."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor

from fst.errors import InputError
from fst.image.io import load_image
from fst.inference.photos import gather

SIDE = 384
"""Of what is calibrated on, in pixels."""

MOST = 64
"""Photos that are calibrated on; more change nothing but the time it takes."""


def photos_to_prove(count: int, height: int, width: int) -> Tensor:
    """One or two photos that come with scikit-image: ``(count, 3, height, width)`` in [0, 1]."""
    makers: list[Callable[[], Any]] = [data.coffee, data.rocket][:count]
    return torch.cat([_fitted(_tensor(make()), height, width) for make in makers])


def photos_to_calibrate(paths: Sequence[Path]) -> list[Tensor]:
    """Those photos, or two others of scikit-image, ``(1, 3, SIDE, SIDE)`` in [0, 1].

    Args:
        paths: from :func:`calibrating`.

    Raises:
        InputError: a photo that can't be read.
    """
    if not paths:
        makers: list[Callable[[], Any]] = [data.astronaut, data.chelsea]
        photos = [_tensor(make()) for make in makers]
        turned = [photo.flip(3).mul(0.6) for photo in photos]  # and dim
        return [_fitted(photo, SIDE, SIDE) for photo in (*photos, *turned)]
    return [_fitted(load_image(path).rgb, SIDE, SIDE) for path in paths]


def calibrating(places: Sequence[Path]) -> tuple[Path, ...]:
    """The photos of files and folders, :data:`MOST` of them evenly.

    Raises:
        InputError: one isn't there, or none is a picture's.
    """
    photos = [photo.path for photo in gather(places, None).photos] if places else []
    if places and not photos:
        raise InputError(f"no photos to calibrate on in {', '.join(map(str, places))}")
    step = -(-len(photos) // MOST) if photos else 1
    return tuple(photos[::step])


def _tensor(array: Any) -> Tensor:
    """An array ``(H, W, 3)`` of bytes."""
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None].float() / 255


def _fitted(photo: Tensor, height: int, width: int) -> Tensor:
    """As much of the middle as has these proportions, in whole 255ths, as photos are."""
    h, w = photo.shape[2:]
    scale = max(height / h, width / w)
    size = (max(height, round(h * scale)), max(width, round(w * scale)))
    photo = F.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return photo[:, :, top : top + height, left : left + width].mul(255).round() / 255
