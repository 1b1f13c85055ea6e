"""Charts of curves as SVG, for the pages."""

import math
from collections.abc import Mapping
from itertools import accumulate
from statistics import fmean
from typing import Any

POINTS = 300
"""At most so many points are drawn of a curve."""

TICKS_APART = 16.0
"""The least distance between two labels of an axis, in pixels."""

Points = list[tuple[float, float]]


def moving_average(points: Points) -> Points:
    """Each value averaged with its neighbors, over about a tenth of the curve.

    The window shrinks towards the start, where a curve falls steeply, and is cut off at the end.
    """
    sums = [0.0, *accumulate(value for _, value in points)]
    averaged = []
    for i, (step, _) in enumerate(points):
        reach = min(i, max(2, len(points) // 20))
        low, high = i - reach, min(i + reach + 1, len(points))
        averaged.append((step, (sums[high] - sums[low]) / (high - low)))
    return averaged


def downsample(points: Points, count: int = POINTS) -> Points:
    """At most ``count`` points, each the mean of neighbors."""
    size = max(1, math.ceil(len(points) / count))
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    return [(fmean(x for x, _ in group), fmean(y for _, y in group)) for group in groups]


def chart(
    name: str,
    lines: Mapping[str, Points],
    step: float,
    height: int = 180,
    width: int = 440,
    logarithmic: bool = True,
) -> dict[str, Any] | None:
    """Where a chart's lines go, in pixels from its upper left corner; None without any point.

    Args:
        name: what is drawn.
        lines: kind to (step, value).
        step: how far the horizontal axis reaches, at least.
        height: in pixels.
        width: in pixels.
        logarithmic: else the vertical axis starts at 0.
    """
    lines = {kind: downsample(points) for kind, points in lines.items() if points}
    values = [y for points in lines.values() for _, y in points]
    if not values:
        return None
    last = max(step, 1.0, *(points[-1][0] for points in lines.values()))
    if logarithmic:
        low, high = 0.95 * min(values), 1.05 * max(values)
        ticks = round_numbers(low, high)
    else:
        low, high = 0.0, max(values)
        ticks = [low, high]

    def place(x: float, y: float) -> tuple[float, float]:
        part = math.log(y / low) / math.log(high / low) if logarithmic else y / high
        return round(width * x / last, 1), round(height * (1 - part), 1)

    return {
        "name": name,
        "width": width,
        "height": height,
        "last": round(last),
        "lines": {kind: [place(*point) for point in points] for kind, points in lines.items()},
        "ends": {kind: f"{points[-1][1]:.3g}" for kind, points in lines.items()},
        "ticks": apart([(f"{value:.3g}", place(0, value)[1]) for value in ticks]),
    }


def apart(ticks: list[tuple[str, float]], least: float = TICKS_APART) -> list[tuple[str, float]]:
    """The ticks, label and height, without those whose label would touch the one before."""
    kept: list[tuple[str, float]] = []
    for label, height in ticks:
        if not kept or abs(kept[-1][1] - height) >= least:
            kept.append((label, height))
    return kept


def round_numbers(low: float, high: float) -> list[float]:
    """Three to seven round numbers between the two, for a logarithmic axis."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for multiples in ((1,), (1, 2, 5), range(1, 10), range(10, 100), range(100, 1000)):
        candidates = (m / multiples[0] * 10.0**decade for decade in decades for m in multiples)
        found = [value for value in candidates if low <= value <= high]
        if len(found) >= 3:
            break
    return found[:: math.ceil(len(found) / 7)]
