"""How regular the texture of flat areas is: a weave, needlepoint, dots in rows.

A net paints flat parts of a photo with a texture of its own. A painting's strokes lie at random; a
texture that repeats itself at a fixed distance looks woven, however well its Gram matrices agree
with the painting's. Where it repeats, its autocorrelation has a second peak.
"""

from functools import cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

WINDOW = 96
"""Side in pixels of the windows that are looked at. Smaller ones hold so few strokes that these lie
in rows by chance."""

STEP = 32
"""Pixels from one window to the next."""

PERIODS = (2, 32)
"""Distances in pixels at which a texture may repeat itself: from the finest there is to a third of
a window."""

FLATTEST = 0.25
"""Share of the windows that are looked at: those where the photo varies least."""

UNSEEN = 0.005
"""Difference of neighbors, as a share of the range from black to white, that is just not seen. It
is added to the texture as noise, so that a weave nobody sees does not count."""

AS_HIGH = 0.8
"""A texture repeats itself at multiples of its period, too: the period is the distance of the
nearest peak that rises to so much of the highest."""

LEVEL = 0.01
"""So much below its neighbors a place is still part of a peak: stripes have level ridges."""

RANDOM = 0.05
"""Height of the second peak that strokes at random have in a window: no weave. The five shipped
paintings have 0.053 to 0.088, pictures that were optimized from noise 0.03."""

BATCH = 32
"""Windows at once: what they take of memory does not grow with the picture."""


class Regularity(NamedTuple):
    """How regular a texture is, and at which distance it repeats itself.

    ``height``: how far the autocorrelation rises to its second peak, from 0 to 1, the median over
    windows. 1 repeats exactly; strokes that lie at random have about 0.1, since a window holds only
    so many of them.
    ``period``: the distance of that peak in pixels, the median over windows; 0 where there is none.
    """

    height: float
    period: float


@torch.no_grad()
def measure_regularity(picture: Tensor, photo: Tensor | None = None) -> Regularity:
    """How regular a picture's texture is, where the photo that it was painted from is flat.

    It doesn't depend on the contrast of what is seen, nor on the direction. Channels count by their
    energy.

    Args:
        picture: ``(1, 3, H, W)``, RGB in [0, 1], no side shorter than :data:`WINDOW`.
        photo: of the same shape; None (for a painting) looks at the whole picture.

    Raises:
        ValueError: a smaller picture.

    Source:
        Peaks of the autocorrelation: Lin, Wang & Yang 1997, "Extracting periodicity of a regular
        texture based on autocorrelation functions"; height of a peak over the valley before it as
        regularity: Chetverikov 2000, "Pattern regularity as a visual key". Their polar grid is a
        straight way to every distance here, :func:`rises`.
    """
    if min(picture.shape[2:]) < WINDOW:
        raise ValueError(f"regularity is measured from {WINDOW} pixels on")
    windows = _windows(picture)[0]
    columns = windows.shape[1]
    chosen = torch.arange(windows.shape[0] * columns) if photo is None else _flattest(photo)[0]
    parts = (windows[at // columns, at % columns].float() for at in torch.split(chosen, BATCH))
    found = torch.cat([rises(autocorrelation(part)) for part in parts])
    heights = found.amax(1)
    distances = _lags(found.device).float().norm(dim=1)
    high = found >= (AS_HIGH * heights[:, None]).clamp_min(1e-6)
    periods = torch.where(high, distances, torch.inf).amin(1).nan_to_num(posinf=0)
    return Regularity(float(heights.median()), float(periods.median()))


def weave(painted: Tensor, photos: Tensor) -> Tensor:
    """How much the flat parts of painted pictures are woven, as a term to train against.

    Each height of :func:`measure_regularity` counts with the square of what it has above
    :data:`RANDOM`. So strokes at random cost nothing, and a high peak costs most.

    Args:
        painted: ``(N, 3, H, W)`` in [0, 1], no side shorter than :data:`WINDOW`.
        photos: of the same shape.

    Returns:
        ``(N,)``, differentiable in ``painted``.

    Raises:
        ValueError: smaller pictures.
    """
    if min(painted.shape[2:]) < WINDOW:
        raise ValueError(f"a weave is seen from {WINDOW} pixels on")
    windows, at = _windows(painted.float()), _flattest(photos)
    columns = windows.shape[2]
    pictures = torch.arange(len(at), device=at.device)[:, None]
    chosen = windows[pictures, at // columns, at % columns]  # (N, flattest, C, WINDOW, WINDOW)
    peaks = rises(autocorrelation(chosen.flatten(0, 1)))
    return F.relu(peaks - RANDOM).square().sum(1).view(at.shape).mean(1)


def _flattest(photos: Tensor) -> Tensor:
    """Numbers of the windows in which each photo varies least, of its row of :func:`_windows`."""
    uneven = _windows(photos.float()).var((4, 5)).sum(3).flatten(1)
    return uneven.argsort(stable=True)[:, : max(1, round(FLATTEST * uneven.shape[1]))]


def _windows(images: Tensor) -> Tensor:
    """``(N, C, H, W)`` to ``(N, rows, columns, C, WINDOW, WINDOW)``: a view, nothing is copied."""
    windows = images.unfold(2, WINDOW, STEP).unfold(3, WINDOW, STEP)
    return windows.permute(0, 2, 3, 1, 4, 5)


def autocorrelation(windows: Tensor) -> Tensor:
    """How much the texture of windows is like itself, shifted, from -1 to 1.

    Of the differences between neighbors, not of the pixels: a picture's energy falls with the
    square of the frequency, so that large shapes would hide every weave; among differences all
    frequencies count alike, and shading counts nothing. What overlaps is compared with what
    overlaps (normalized cross-correlation), so that distant shifts are not weaker.

    Args:
        windows: ``(N, C, S, S)``.

    Returns:
        ``(N, 2 R + 1, 2 R + 1)`` for shifts from ``-R`` to ``R`` rows and columns; ``R`` is one
        more than the longest of :data:`PERIODS`, so that every peak has neighbors.
    """
    right, down = windows.diff(dim=3)[:, :, :-1], windows.diff(dim=2)[:, :, :, :-1]
    differences = torch.cat([right, down], 1)  # (N, 2 C, S - 1, S - 1)
    differences = differences - differences.mean((2, 3), keepdim=True)
    reach, side = PERIODS[1] + 1, differences.shape[-1]
    padded = (side + reach, side + reach)  # no shift comes round the other side
    ones = torch.ones(side, side, device=windows.device)
    inside = torch.fft.rfft2(ones, padded)
    spectrum = torch.fft.rfft2(differences, padded).abs().square().sum(1)
    energy = torch.fft.rfft2(differences.square().sum(1) + differences.shape[1] * UNSEEN**2, padded)

    def shifted(spectra: Tensor) -> Tensor:
        shifts: Tensor = torch.fft.irfft2(spectra, padded).roll((reach, reach), (-2, -1))
        return shifts[:, : 2 * reach + 1, : 2 * reach + 1]

    overlap = shifted(inside.conj() * energy)  # the energy of what lies under the shifted window
    found: Tensor = shifted(spectrum) / (overlap * overlap.flip(1, 2)).sqrt()
    return found


def rises(correlations: Tensor) -> Tensor:
    """How far an autocorrelation rises to its peaks, from the lowest place on the way there.

    The middle is a peak of its own, as wide as a stroke. Edges and long strokes are ridges that
    lead away from it: high, but without a rise. Below 0 there is nothing in common, however low.

    Args:
        correlations: from :func:`autocorrelation`.

    Returns:
        ``(N, distances)``, from 0 to 1, in the order of the shifts within :data:`PERIODS`; 0 where
        there is no peak.
    """
    lags, reach = _lags(correlations.device), correlations.shape[-1] // 2
    parts = torch.linspace(0, 1, reach, device=lags.device)
    ways = lags[:, None].flip(-1) / reach * parts[:, None]  # (distances, parts, x and y)
    maps = correlations[:, None]
    with torch.no_grad():  # the lowest place alone has a gradient: it is read once more
        along = F.grid_sample(maps, ways.expand(len(maps), -1, -1, -1), align_corners=True)[:, 0]
        at = along.argmin(-1)  # (N, distances)
    places = ways[torch.arange(len(lags), device=lags.device), at][:, :, None]
    lowest = F.grid_sample(maps, places, align_corners=True)[:, 0, :, 0].clamp_min(0)
    around = F.max_pool2d(maps.detach(), 3, 1, 1)
    flat = (lags[:, 0] + reach) * correlations.shape[-1] + lags[:, 1] + reach
    heights, highest = (of.flatten(1).index_select(1, flat) for of in (correlations, around))
    return torch.where(heights >= highest - LEVEL, heights - lowest, 0).clamp_min(0)


@cache
def _lags(device: torch.device) -> Tensor:
    """The shifts within PERIODS as rows and columns, ``(distances, 2)``; the other half mirrors."""
    shortest, longest = PERIODS
    rows, columns = torch.meshgrid(
        torch.arange(longest + 1), torch.arange(-longest, longest + 1), indexing="ij"
    )
    lags = torch.stack([rows, columns], -1).flatten(0, 1)
    distances = lags.float().norm(dim=1)
    half = (lags[:, 0] > 0) | (lags[:, 1] > 0)
    return lags[half & (distances >= shortest) & (distances <= longest)].to(device)
