"""The perceptual losses of Gatys et al., as pure functions on tensors.

Shapes: ``N`` pictures, ``C`` channels, ``H`` x ``W`` positions. Every loss returns one value per
picture, ``(N,)``, so that a batch and a single picture are judged alike. All arithmetic is in
float32 (float64 stays float64), whatever comes in: bf16 Gram matrices cost up to 16 % of the
objective, and fp16 ones overflow.

Both terms are *relative* squared errors: multiplying a layer of the loss network by a constant
changes neither. Gatys et al. (2016, section 2) reach the same end by rescaling VGG so that every
filter's mean activation is one; dividing by the target's own energy needs no data set for it and
holds for any loss network. To get back the literature's plain values, multiply a content loss by
the target's mean square, and a style loss by the mean square of the target's Gram matrix.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable


def at_least_float32(x: Tensor) -> Tensor:
    """What losses compute with: float64 stays as it is, all else is float32."""
    return x if x.dtype == torch.float64 else x.float()


def _relative_squared_error(value: Tensor, target: Tensor) -> Tensor:
    """``sum (value - target)^2 / sum target^2`` per item of the first dimension."""
    value, target = at_least_float32(value), at_least_float32(target)
    energy = target.square().flatten(1).sum(1).clamp_min(torch.finfo(target.dtype).tiny)
    return (value - target).square().flatten(1).sum(1) / energy


def gram_matrix(features: Tensor) -> Tensor:
    """Correlations between the channels of one layer: ``G = F F^T / (H W)``.

    Dividing by the number of positions makes the Grams of pictures of different sizes comparable.
    Johnson et al. (2016, eq. 3) also divide by ``C``, which would scale a plain squared-error style
    loss by ``1 / C^2``; in :func:`style_loss` the factor cancels.

    Args:
        features: ``(N, C, H, W)``, any floating dtype.

    Returns:
        ``(N, C, C)``, float32 (float64 for float64 features).

    Source:
        Gatys et al. 2015, "A Neural Algorithm of Artistic Style", eq. 3.
    """
    with torch.autocast(features.device.type, enabled=False):
        if features.dtype == torch.bfloat16 and features.device.type == "cpu":
            gram: Tensor = _Bfloat16Gram.apply(features)
            return gram
        flat = at_least_float32(features).flatten(2)  # (N, C, H*W)
        if features.is_cuda:
            return products_in_parts(flat) / flat.shape[2]
        return flat @ flat.transpose(1, 2) / flat.shape[2]


PART = 2048
"""Positions of a Gram matrix that a GPU's processor adds up alone: of one product of few rows and
65,536 columns most processors would have nothing to do."""


def products_in_parts(flat: Tensor) -> Tensor:
    """``F F^T`` of ``(N, C, positions)``, over parts of the positions, which are then added up."""
    parts = 1
    while flat.shape[2] % (2 * parts) == 0 and flat.shape[2] // (2 * parts) >= PART:
        parts *= 2
    split = flat.view(*flat.shape[:2], parts, -1).transpose(1, 2)  # (N, parts, C, of a part)
    products: Tensor = (split @ split.transpose(2, 3)).sum(1)
    return products


class _Bfloat16Gram(torch.autograd.Function):
    """The Gram matrix of bf16 features, to float32's digits at bf16's speed.

    bf16 matrix products add up in float32 inside, but round their result to bf16. A second product
    that starts from minus the first one's result returns what was rounded off; the sum of both is
    right to 3e-6. Converting to float32 first takes six times longer.
    """

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        n, c, h, w = features.shape
        rows = features.permute(0, 2, 3, 1).reshape(n, h * w, c)  # a view in channels-last
        ctx.save_for_backward(rows)
        ctx.size = h, w
        columns = rows.transpose(1, 2)
        rounded = torch.bmm(columns, rows)
        rest = torch.baddbmm(rounded, columns, rows, beta=-1)
        return (rounded.float() + rest.float()) / (h * w)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (rows,) = ctx.saved_tensors
        symmetric = (grad + grad.transpose(1, 2)) / rows.shape[1]
        # bf16 is enough for a gradient: it continues through a bf16 network
        flow = torch.bmm(rows, symmetric.to(rows.dtype))  # (N, H*W, C)
        return flow.view(len(rows), *ctx.size, -1).permute(0, 3, 1, 2)


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """How far a picture's features are from the photo's: ``|F - P|^2 / |P|^2``.

    Args:
        features: ``(N, C, H, W)``, of the picture being judged.
        target: ``(N, C, H, W)``, of the photo at the same layer.

    Returns:
        ``(N,)``, at least 0; 1 for a picture whose features are all zero.

    Source:
        Gatys et al. 2015, eq. 1, up to the normalization described above.
    """
    return _relative_squared_error(features, target)


def style_loss(gram: Tensor, target: Tensor) -> Tensor:
    """How far a picture's Gram matrix is from the painting's: ``|G - A|^2 / |A|^2`` (Frobenius).

    Args:
        gram: ``(N, C, C)``, of the picture being judged.
        target: ``(1, C, C)`` or ``(N, C, C)``, of the painting.

    Returns:
        ``(N,)``, at least 0.

    Source:
        Gatys et al. 2015, eq. 4, up to the normalization described above.
    """
    return _relative_squared_error(gram, target.expand_as(gram))


def total_variation(images: Tensor) -> Tensor:
    """Mean squared difference of neighboring pixels: ``mean |dx|^2 + mean |dy|^2``.

    Args:
        images: ``(N, 3, H, W)`` in [0, 1].

    Returns:
        ``(N,)``, at least 0.

    Source:
        Johnson et al. 2016, section 3.2, after Mahendran & Vedaldi 2015, with exponent 2; a mean
        rather than a sum, so that it does not grow with the picture.
    """
    images = at_least_float32(images)
    across = (images[..., :, 1:] - images[..., :, :-1]).square().flatten(1).mean(1)
    down = (images[..., 1:, :] - images[..., :-1, :]).square().flatten(1).mean(1)
    return across + down


UPSAMPLING_PERIOD = 4
"""Pixels between those that a net which upsamples by 2 twice makes in the same way."""

PATTERN_WINDOW = 32
"""Side in pixels of the areas in which a pattern is looked for."""


def upsampling_pattern(images: Tensor) -> Tensor:
    """Energy of what repeats with the period of a net's upsampling.

    After an upsampling, pixels between two samples vary less than those on a sample; a ReLU turns
    that into a difference in brightness, locked to the grid. The objective does not want it (the
    optimization leaves none), but hardly feels it either: it has to be said. In every window, the
    mean of the pixels of one phase is zero where nothing is locked to the grid.

    Args:
        images: ``(N, 3, H, W)`` in [0, 1].

    Returns:
        ``(N,)``: mean square of the means of every phase, after a high pass; 0 for pictures
        without a whole window, a period away from the border.

    Source:
        Ours (docs/quality.md); Odena et al. 2016, "Deconvolution and Checkerboard Artifacts",
        describe the fault for transposed convolutions.
    """
    images = at_least_float32(images)
    period, window = UPSAMPLING_PERIOD, PATTERN_WINDOW
    rows, columns = ((side - 2 * period) // window for side in images.shape[2:])
    if rows <= 0 or columns <= 0:
        return images.flatten(1).sum(1) * 0
    # a mean over a whole period: every pattern passes, slopes and areas don't
    smooth = F.avg_pool2d(F.pad(images, (2, 1, 2, 1), mode="reflect"), period, 1)
    high = (images - smooth)[..., period:-period, period:-period]  # but at the border
    high = high[..., : rows * window, : columns * window]
    count = window // period
    phases = high.reshape(len(images), -1, rows, count, period, columns, count, period)
    means = phases.mean((3, 6))  # (N, 3, rows, period, columns, period)
    return means.square().flatten(1).mean(1)
