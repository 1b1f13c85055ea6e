from fractions import Fraction
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fst.inference.video.timetable import Segment, timetable


def segment(times: list[Fraction], end: Fraction, order: list[int] | None = None) -> Segment:
    """Frames at such times; ``order`` has their numbers as they are decoded."""
    return Segment(Path("x"), order or list(range(len(times))), [*times, end])


def test_constant_rate_with_frames_that_refer_to_later_ones() -> None:
    fifth = Fraction(1, 5)
    times = [fifth * one for one in range(8)]
    first = segment(times[:4], times[4], [0, 2, 1, 3])
    second = segment(times[4:], fifth * 8, [0, 3, 1, 2])
    table = timetable([first, second], fifth)
    assert table.tick == fifth
    assert table.shown == [0, 2, 1, 3, 4, 7, 5, 6]
    assert table.decoded == [-1, 0, 1, 2, 3, 4, 5, 6]
    assert table.durations == [1] * 8


def test_last_duration_and_finer_ticks() -> None:
    times = [Fraction(0), Fraction(1, 30), Fraction(1, 12)]
    table = timetable([segment(times, Fraction(1, 4))], Fraction(1, 10))
    assert [one * table.tick for one in table.shown] == times
    assert [one * table.tick for one in table.durations] == [
        Fraction(1, 30),
        Fraction(1, 20),
        Fraction(1, 6),
    ]


@given(st.data())
def test_every_frame_is_decoded_in_turn_and_in_time(data: st.DataObject) -> None:
    steps = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    stamps = [sum(steps[:one]) for one in range(len(steps) + 1)]
    cut = data.draw(st.integers(1, len(steps)))
    parts = [stamps[:cut], stamps[cut:-1]] if cut < len(steps) else [stamps[:-1]]
    tick = Fraction(1001, 30000)
    segments = []
    for part in parts:
        order = data.draw(st.permutations(range(len(part))))
        ends = stamps[stamps.index(part[-1]) + 1]
        segments.append(segment([one * tick for one in part], ends * tick, order))
    table = timetable(segments, tick)
    assert table.tick == tick
    assert sorted(table.shown) == stamps[:-1]
    assert all(a < b for a, b in zip(table.decoded, table.decoded[1:], strict=False))
    assert all(a <= b for a, b in zip(table.decoded, table.shown, strict=True))
    ends = {one + length for one, length in zip(table.shown, table.durations, strict=True)}
    assert ends == set(stamps[1:])
