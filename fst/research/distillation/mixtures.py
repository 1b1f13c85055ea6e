"""The pictures on which a slim network's features are matched with VGG-19's: a little of all."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fst.research.distillation.pictures import random_crop

Paint = Callable[[Tensor], Tensor]
"""``(N, 3, H, W)`` in [0, 1] to the same: a trained net."""


def regression_pictures(
    photos: Sequence[Tensor], styles: Tensor, size: int, seed: int, count: int = 48
) -> Tensor:
    """Photos, styles and noise, ``(count, 3, size, size)``; the same ones every time.

    Args:
        photos: ``(3, H, W)`` uint8, no side shorter than ``size``.
        styles: ``(N, 3, S, S)`` in [0, 1], at least ``size`` pixels wide.
        size: side in pixels.
        seed: of crops and noise.
        count: how many.
    """
    generator, pictures = torch.Generator().manual_seed(seed), []
    for i in range(count):
        if i % 12 == 0:
            pictures.append(torch.rand(3, size, size, generator=generator))
        elif i % 2:
            photo = photos[i * len(photos) // count]
            pictures.append(random_crop(photo, size, generator))
        else:
            pictures.append(styles[i * len(styles) // count][:, :size, :size])
    return torch.stack(pictures)


def mixed_pictures(
    photos: Sequence[Tensor],
    styles: Tensor,
    painted: Sequence[Paint],
    size: int,
    generator: torch.Generator,
) -> Tensor:
    """Sixteen photos, styles, blends of them and of noise, and painted photos.

    Args:
        photos: ``(3, H, W)`` uint8, no side shorter than ``size``.
        styles: ``(N, 3, S, S)`` in [0, 1], at least ``size`` pixels wide.
        painted: trained nets, if there are any.
        size: side in pixels.
        generator: of random numbers.

    Returns:
        ``(16, 3, size, size)`` in [0, 1].
    """
    pictures = []
    for i in range(16):
        which = int(torch.randint(len(photos), (1,), generator=generator))
        photo = random_crop(photos[which], size, generator)
        share = float(torch.rand(1, generator=generator))
        noise = torch.rand(photo.shape, generator=generator)
        which = int(torch.randint(len(styles), (1,), generator=generator))
        style = random_crop((255 * styles[which]).to(torch.uint8), size, generator)
        if i < 5:
            photo = style
        elif i == 5:
            photo = share * photo + (1 - share) * style
        elif i == 6:
            photo = share * photo + (1 - share) * noise
        elif i == 7:
            photo = (photo + 0.2 * share * (noise - 0.5)).clamp(0, 1)
        elif i < 10 and painted:
            net = painted[int(share * len(painted))]
            result = net(photo[None])[0]
            photo = result if i == 8 else 0.5 * (photo + result)
        pictures.append(photo)
    return torch.stack(pictures)
