"""What goes wrong in painted pictures, as numbers: borders, checkerboards, weaves, dots.

Every measure compares a picture with what it would be without the fault, so that a busy photo or a
flat painting does not count as one: the border with the same pixels inside a larger picture, a peak
of the spectrum with its neighbors, dots and dead areas with those of the photo.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from fst.evaluation.regularity import measure_regularity
from fst.image.luma import luma

RING = 12
"""Width of the border that is looked at, in pixels."""

CUTS = 6
"""How often a photo is cut smaller, by an eighth to a quarter of its short side, to see what its
border would be inside a picture. Strokes at a border depend on what lies beyond, and that is gone:
one border says little, even a perfect one differs by a tenth."""

WINDOW = 64
"""Side of the windows whose spectra are averaged, in pixels."""

DOT = 0.25
"""How far a pixel's luminance is from the median of the 5x5 around it, to be a dot."""

FLAT = 1.0 / 255
"""Standard deviation of the luminance in 8x8 pixels, below which they are dead."""

NOISE = 1 / (12 * 255**2)
"""Variance that rounding to 8 bits adds: what is weaker is not seen, and counts as this much. Else
the measures of flat pictures would be quotients of nearly nothing."""

MEASURABLE_SIDE = 96
"""Shortest side in pixels of what can be measured."""


class Artifacts(NamedTuple):
    """The measures of one picture.

    ``border``: high-frequency energy of the outermost :data:`RING` pixels over the middle's, as a
    multiple of the same ratio where the photo goes on beyond them: 1 is perfect.
    ``checkerboard``: the highest peak of the spectrum at periods of 4 and 2 pixels, where
    upsampling leaves its mark, as a multiple of its neighborhood, and of the photo's own peak where
    it has one (JPEGs do): about 1 without a mark.
    ``dots``: isolated extreme pixels per million, beyond the photo's; 0 where it has as many.
    ``flat``: share of the area without any structure, beyond the photo's, at least 0, too.
    ``saturated``: share of the pixels that are black or white in all channels, beyond the photo's,
    at least 0, too.
    ``regularity``: how regular the texture is where the photo is flat, from about 0 (strokes at
    random) to 1, and ``period``, the distance in pixels at which it repeats itself
    (:mod:`fst.evaluation.regularity`).
    """

    border: float
    checkerboard: float
    dots: float
    flat: float
    saturated: float
    regularity: float
    period: float


@torch.no_grad()
def measure_artifacts(paint: Callable[[Tensor], Tensor], photo: Tensor) -> Artifacts:
    """Paints a photo, with and without its outer pixels, and measures what comes out.

    Args:
        paint: ``(1, 3, H, W)`` in [0, 1] to the same shape.
        photo: ``(1, 3, H, W)`` in [0, 1], no side shorter than :data:`MEASURABLE_SIDE`.

    Raises:
        ValueError: a shorter photo.
    """
    if min(photo.shape[2:]) < MEASURABLE_SIDE:
        raise ValueError(f"artifacts are measured from {MEASURABLE_SIDE} pixels on")
    whole = paint(photo).float().clone()  # a painter may return the same memory twice
    picture = luma(whole)
    borders = []
    short = min(photo.shape[2:])
    for i in range(CUTS):
        margin = round(short / 8 * (1 + i / (CUTS - 1)))
        inner = (..., slice(margin, -margin), slice(margin, -margin))
        cut = luma(paint(photo[inner].contiguous()).float())
        borders.append(border_energies(cut) / border_energies(picture[inner]))
    ring, middle = torch.stack(borders).mean(0).tolist()
    regularity, period = measure_regularity(whole, photo)
    photo = luma(photo.float())
    return Artifacts(
        border=ring / middle,
        checkerboard=checkerboard(picture, photo),
        dots=1e6 * beyond(dots(picture), dots(photo)),
        flat=beyond(flat(picture), flat(photo)),
        saturated=beyond(saturated(whole), saturated(photo)),
        regularity=regularity,
        period=period,
    )


def beyond(painted: float, photos_own: float) -> float:
    """By how much a picture has more of a fault than its photo: a photo's own is not the net's."""
    return max(0.0, painted - photos_own)


def border_energies(picture: Tensor) -> Tensor:
    """Mean high-frequency energy of the border and of the middle, ``(2,)``, at least NOISE.

    Args:
        picture: ``(1, 1, H, W)``.
    """
    energy = _high_pass(picture).square()
    middle = energy[..., RING:-RING, RING:-RING].clone()
    energy[..., RING:-RING, RING:-RING] = 0  # a difference of sums could be below 0
    ring = energy.sum() / (energy.numel() - middle.numel())
    return torch.stack([ring, middle.mean()]).clamp_min(NOISE)


def _high_pass(image: Tensor) -> Tensor:
    """What a 5x5 mean leaves; the outermost pixels see themselves mirrored."""
    return image - F.avg_pool2d(F.pad(image, (2, 2, 2, 2), mode="reflect"), 5, 1)


def checkerboard(picture: Tensor, photo: Tensor) -> float:
    """The highest spectral peak at the periods of two upsamplings by 2, beyond the photo's own.

    Args:
        picture: ``(1, 1, H, W)``, no side shorter than :data:`WINDOW`.
        photo: what it was painted from, in the same shape.
    """
    return float((_peaks(picture) / _peaks(photo).clamp_min(1)).max())


def _peaks(picture: Tensor) -> Tensor:
    """How far the spectrum stands out at every frequency that upsampling may leave its mark at.

    Power is averaged over half-overlapping Hann windows (Welch's method). Neighbors of a frequency
    on an axis lie on that axis, where pictures of upright things have most of their energy; those
    of others all around; each from 2 to 5 bins away.
    """
    spectrum = _spectrum(picture).clamp_min(NOISE * float(_window().square().sum()))
    quarter, half = WINDOW // 4, WINDOW // 2
    peaks = []
    # half of the plane: the other half mirrors it
    upper = [(row, column) for row in (0, quarter, half) for column in (0, quarter, half)][1:]
    for row, column in [*upper, (-quarter, quarter)]:
        neighbors = [
            spectrum[row + i, column + j]
            for i in range(-5, 6)
            for j in range(-5, 6)
            if max(abs(i), abs(j)) >= 2 and (column != 0 or j == 0) and (row != 0 or i == 0)
        ]
        around = torch.stack(neighbors).median()
        peaks.append(spectrum[row, column] / around)
    return torch.stack(peaks)


def _spectrum(picture: Tensor) -> Tensor:
    """Mean power at every frequency, ``(WINDOW, WINDOW)``, indices as ``torch.fft.fft2`` has them.

    Negative indices are negative frequencies; those from half the window on wrap around.
    """
    step = WINDOW // 2
    windows = picture[0, 0].unfold(0, WINDOW, step).unfold(1, WINDOW, step)
    windows = windows.reshape(-1, WINDOW, WINDOW)
    windows = windows - windows.mean((1, 2), keepdim=True)
    power = torch.fft.fft2(windows * _window().to(picture.device)).abs().square()
    mean: Tensor = power.mean(0)
    return mean


def _window() -> Tensor:
    """Hann's, ``(WINDOW, WINDOW)``."""
    hann = torch.hann_window(WINDOW)
    return hann * hann[:, None]


def dots(picture: Tensor) -> float:
    """Share of pixels that stand out from the median of the 5x5 around them."""
    padded = F.pad(picture, (2, 2, 2, 2), mode="reflect")
    around = padded.unfold(2, 5, 1).unfold(3, 5, 1).flatten(4)
    return float(((picture - around.median(-1).values).abs() > DOT).float().mean())


def flat(picture: Tensor) -> float:
    """Share of 8x8 blocks without structure."""
    blocks = picture[0, 0].unfold(0, 8, 8).unfold(1, 8, 8).flatten(2)
    return float((blocks.std(-1) < FLAT).float().mean())


def saturated(images: Tensor) -> float:
    """Share of pixels that are black or white, all channels of them."""
    black, white = (images < 1 / 255).all(1), (images > 254 / 255).all(1)
    return float((black | white).float().mean())
