from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from fst.inference.video.times import Clock

TICK = Fraction(1, 1000)


def frame(pts: int | None, dts: int | None = None, duration: int = 0) -> Any:
    return SimpleNamespace(pts=pts, dts=dts, duration=duration, time_base=TICK)


def test_times_are_those_of_the_file_less_its_start() -> None:
    clock = Clock(Fraction(25), TICK, Fraction(1, 2))
    assert clock(frame(540, duration=40)) == (Fraction(40, 1000), Fraction(40, 1000))
    assert clock(frame(613)) == (Fraction(113, 1000), None)
    assert (clock.first, clock.last) == (Fraction(40, 1000), Fraction(153, 1000))
    assert clock.said() == []


def test_frames_without_a_time_follow_at_the_frame_rate() -> None:
    clock = Clock(Fraction(30000, 1001), TICK, Fraction(0))
    times = [clock(frame(None))[0] for _ in range(3)]
    assert times == [0, Fraction(1001, 30000), Fraction(2002, 30000)]
    assert len(clock.said()) == 1
    assert "3 frames" in clock.said()[0]


def test_times_that_go_back_are_put_a_tick_after() -> None:
    clock = Clock(Fraction(25), TICK, Fraction(0))
    times = [clock(frame(one))[0] * 1000 for one in (0, 40, 40, 20, 80)]
    assert times == [0, 40, 41, 42, 80]
    assert "2 frames" in clock.said()[0]


def test_an_avi_has_the_order_of_decoding_alone() -> None:
    clock = Clock(Fraction(25), TICK, Fraction(0), by_decoding=True)
    # the decoder holds one frame back; a frame that is repeated leaves a gap
    stated = [(1, 40), (4, 80), (3, 120), (6, 280), (5, None)]
    times = [clock(frame(pts, dts))[0] * 1000 for pts, dts in stated]
    assert times == [0, 40, 80, 240, 280]
    assert clock.said() == []
