"""When the packets of a clip that is made of segments are decoded and shown."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

_FINEST = 1_000_000
"""Ticks a second where the times of the frames have no whole number of them in common."""


@dataclass(frozen=True)
class Segment:
    """What is in a segment.

    Attributes:
        path: of its file.
        stamps: of its packets in their order, in ticks of that file.
        times: of its frames as they are shown, in seconds, and of its end.
    """

    path: Path
    stamps: list[int]
    times: list[Fraction]


@dataclass(frozen=True)
class Timetable:
    """When the packets of all segments are decoded and shown, in ticks.

    Attributes:
        tick: in seconds.
        shown: of every packet, in the order of the packets.
        decoded: likewise.
        durations: likewise.
    """

    tick: Fraction
    shown: list[int]
    decoded: list[int]
    durations: list[int]


def timetable(segments: list[Segment], tick: Fraction) -> Timetable:
    """When every packet is decoded and shown.

    Times of decoding are those of showing in their order, early enough that every frame is there
    when it is to be shown: so they are right for any frame rate, and across segments.

    Args:
        segments: in order.
        tick: of the source, in seconds; a finer one is taken where times need it.
    """
    times = [time for segment in segments for time in segment.times[:-1]]
    tick = _common_tick([*times, segments[-1].times[-1]], tick)
    shown: list[int] = []
    for segment in segments:
        ticks = [round(time / tick) for time in segment.times]
        places = {stamp: place for place, stamp in enumerate(sorted(segment.stamps))}
        shown += [ticks[places[stamp]] for stamp in segment.stamps]
    ranks = _ranks(shown)
    delay = max(place - rank for place, rank in enumerate(ranks))
    ordered = sorted(shown)
    end = max(round(segments[-1].times[-1] / tick), ordered[-1] + 1)
    lengths = [after - one for one, after in zip(ordered, [*ordered[1:], end], strict=True)]
    # the first ones are decoded before the clip starts, at the pace of its first frames
    early = [ordered[0] - (delay - place) * lengths[0] for place in range(delay)]
    return Timetable(
        tick, shown, [*early, *ordered[: len(ordered) - delay]], [lengths[rank] for rank in ranks]
    )


def _ranks(shown: list[int]) -> list[int]:
    """The place of each among all, in the order of showing."""
    ranks = [0] * len(shown)
    for rank, place in enumerate(sorted(range(len(shown)), key=shown.__getitem__)):
        ranks[place] = rank
    return ranks


def _common_tick(times: Iterable[Fraction], tick: Fraction) -> Fraction:
    """The source's tick, or a part of it in which all times are whole numbers."""
    parts = math.lcm(*{(time / tick).denominator for time in times})
    finer = tick / parts
    return finer if finer.denominator <= 2**31 - 1 else Fraction(1, _FINEST)
