"""How far a picture's colors are spread, against the painting's.

A Gram matrix of a loss network hardly feels it: most of what its first layer sees is brightness. A
net for many paintings then paints in their mean color, and rare hues get lost (docs/log.md).
"""

import torch
from torch import Tensor

from fst.losses.functional import gram_matrix

UNSEEN = 0.03
"""Standard deviation of a color, of 1, below which differences are not seen: a gray painting's
hardly varies, and a relative error of nearly nothing would be huge."""

COLORS = 9
"""Numbers of :func:`color_moments`."""


def color_moments(pictures: Tensor) -> Tensor:
    """The mean color, and the mean products of the colors, each pair once.

    Args:
        pictures: ``(N, 3, H, W)``, RGB in [0, 1].

    Returns:
        ``(N, 9)``, float32; of a mixture of pictures, the mixture.
    """
    colors = pictures.float()
    return torch.cat([colors.mean((2, 3)), mean_products(colors)], 1)


def mean_products(x: Tensor) -> Tensor:
    """Mean products of the channels of ``(N, C, H, W)``, each pair once: ``(N, C (C + 1) / 2)``."""
    i, j = torch.triu_indices(x.shape[1], x.shape[1], device=x.device)
    products: Tensor = gram_matrix(x)[:, i, j]
    return products


def color_error(images: Tensor, wanted: Tensor) -> Tensor:
    """Relative errors of mean color and of the colors' covariance, compressed by ``log(1 + x)``.

    The covariance is compared in the painting's own directions, each against its own spread: a rare
    hue counts as much as light and dark. No decomposition: ``tr((P + e)^-1 D (P + e)^-1 D)``, with
    D the difference from the painting's covariance P, is the sum of squares in these directions.

    Args:
        images: ``(N, 3, H, W)``, RGB in [0, 1]; differentiable.
        wanted: :func:`color_moments` of their paintings, ``(N, 9)`` or ``(1, 9)``.

    Returns:
        ``(N,)``, at least 0.

    Source:
        Ours; the means and covariances of Reinhard et al. 2001, "Color Transfer between Images".
    """
    found = color_moments(images)
    (mean, own), (aim, painting) = (mean_and_covariance(m) for m in (found, wanted.float()))
    unseen = UNSEEN**2 * torch.eye(3, device=images.device)
    inverse, _ = torch.linalg.inv_ex(painting + unseen)  # never singular, and nobody waits for it
    relative = inverse @ (own - painting)
    spread = (relative @ relative).diagonal(dim1=1, dim2=2).sum(1) / 3
    variance = painting.diagonal(dim1=1, dim2=2).sum(1) + UNSEEN**2
    shift = (mean - aim).square().sum(1) / variance
    error: Tensor = torch.log1p(spread.clamp_min(0)) + torch.log1p(shift)
    return error


def mean_and_covariance(moments: Tensor) -> tuple[Tensor, Tensor]:
    """Of :func:`color_moments`, ``(N, 9)``: mean ``(N, 3)`` and covariance ``(N, 3, 3)``."""
    mean, products = moments[:, :3], moments[:, 3:]
    rows = [[0, 1, 2], [1, 3, 4], [2, 4, 5]]  # no tensor of them: a GPU would be waited for
    squares = torch.stack([products[:, place] for row in rows for place in row], 1)
    return mean, squares.view(-1, 3, 3) - mean[:, :, None] * mean[:, None]
