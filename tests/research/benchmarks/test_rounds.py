"""Rounds, ratios, the canary and the peaks, on a clock that the tests turn."""

import subprocess
import sys
import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fst.research.benchmarks import rounds
from fst.research.benchmarks.rounds import (
    Round,
    convolution,
    make_clock,
    matrix_product,
    peak_bytes,
    peak_flops,
    ratio_over_rounds,
    ratios,
    steady,
    time_rounds,
    warm_up,
    with_mean,
)

CPU = torch.device("cpu")


class Bench:
    """A clock, and runs that let it pass."""

    def __init__(self) -> None:
        self.now = 100.0
        self.log: list[str] = []

    def clock(self) -> float:
        return self.now

    def run(self, name: str, *seconds: float) -> rounds.Work:
        """A run that takes ``seconds``, one after the other, the last one ever after."""
        left = list(seconds)

        def step() -> None:
            self.log.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return step


def test_every_round_runs_each_variant_once_in_rotating_order() -> None:
    bench = Bench()
    runs = {name: bench.run(name, 1.0) for name in "abc"}
    time_rounds(runs, bench.run("-", 0.1), 4, bench.clock)
    assert "".join(bench.log) == "-a-b-c" + "-b-c-a" + "-c-a-b" + "-a-b-c"


def test_the_seconds_are_those_of_a_step_and_the_canary_the_slowest() -> None:
    bench = Bench()
    runs = {"ours": bench.run("o", 1.0, 3.0), "textbook": bench.run("t", 8.0)}
    rounds = time_rounds(runs, bench.run("-", 0.5, 0.7, 0.2), 2, bench.clock, steps=2)
    assert rounds[0].seconds == pytest.approx({"ours": 2.0, "textbook": 8.0})
    assert rounds[1].seconds == pytest.approx({"ours": 3.0, "textbook": 8.0})
    assert [r.canary for r in rounds] == pytest.approx([0.7, 0.2])
    assert "".join(bench.log) == "-oo-tt" + "-tt-oo"


def test_the_warm_up_tells_what_the_first_step_took() -> None:
    bench = Bench()
    runs = {"compiled": bench.run("c", 44.0, 1.0), "textbook": bench.run("t", 8.0)}
    assert warm_up(runs, bench.clock, 3) == pytest.approx({"compiled": 44.0, "textbook": 8.0})
    assert "".join(bench.log) == "cccttt"


def test_a_round_whose_canary_jumps_is_discarded() -> None:
    canaries = [4.0, 4.96, 5.04, 3.04, 2.96, 4.0, 36.0]
    kept = steady([Round({}, canary) for canary in canaries])
    assert [r.canary for r in kept] == [4.0, 4.96, 3.04, 4.0]
    kept = steady([Round({}, canary / 100) for canary in canaries])
    assert [100 * r.canary for r in kept] == pytest.approx([4.0, 4.96, 3.04, 4.0])


def test_one_round_always_stays() -> None:
    # the mean of the two would suit neither
    assert [r.canary for r in steady([Round({}, 3.0), Round({}, 1.0)])] == [1.0]


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        Round({"ours": 1.0, "textbook": 4.0}, 1.0),
        Round({"ours": 10.0, "textbook": 20.0}, 1.0),  # a slow spell, for both alike
        Round({"ours": 2.0, "textbook": 6.0}, 1.0),
    ]
    assert ratios(rounds, "ours", "textbook") == [4.0, 2.0, 3.0]
    found = ratio_over_rounds(rounds, "ours", "textbook")
    assert (found.seconds, found.yardstick_seconds) == (2.0, 6.0)
    assert (found.ratio_median, found.ratio_min, found.ratio_max) == (3.0, 2.0, 4.0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_operations_of_the_fixed_work_are_counted_right(dtype: torch.dtype) -> None:
    operations, run = convolution(CPU, dtype)
    with FlopCounterMode(display=False) as counter:
        result = run()
    assert counter.get_total_flops() == operations
    assert isinstance(result, torch.Tensor)
    assert result.dtype == dtype


def test_the_operations_of_the_matrix_product_are_counted_right() -> None:
    operations, run = matrix_product(torch.device("meta"), torch.bfloat16)
    with FlopCounterMode(display=False) as counter:
        run()
    assert counter.get_total_flops() == operations


def test_the_peak_is_the_best_of_all_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr(rounds, "convolution", lambda *_: (600, bench.run("c", 4.0, 2.0, 3.0)))
    monkeypatch.setattr(rounds, "make_clock", lambda device: bench.clock)
    assert peak_flops(CPU, torch.float32, times=3) == pytest.approx(300)
    assert len(bench.log) == 3


def test_the_peak_of_a_gpu_also_tries_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    monkeypatch.setattr(rounds, "convolution", lambda *_: (600, bench.run("c", 2.0)))
    monkeypatch.setattr(rounds, "matrix_product", lambda *_: (900, bench.run("m", 2.0)))
    monkeypatch.setattr(rounds, "make_clock", lambda device: bench.clock)
    assert peak_flops(torch.device("cuda"), torch.bfloat16) == pytest.approx(450)


def test_a_clock_goes_forward() -> None:
    clock = make_clock(CPU)
    first = clock()
    time.sleep(0.001)
    assert clock() > first


def test_the_peak_of_memory_is_this_process_s_own() -> None:
    held = b"\1" * (700 << 20)  # a fresh process must not be charged with it
    code = (
        "import torch; from fst.research.benchmarks.rounds import peak_bytes;"
        "cpu = torch.device('cpu');"
        "before = peak_bytes(cpu); held = b'\\1' * (200 << 20); del held;"
        "print(before, peak_bytes(cpu))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    before, after = map(int, result.stdout.split())
    assert len(held) > before > 50 << 20
    assert 190 << 20 < after - before < 260 << 20
    assert peak_bytes(CPU) > len(held)


def test_steps_of_several_kinds_have_a_mean_in_every_round() -> None:
    rounds = [Round({"a": 1.0, "b": 3.0}, 0.5), Round({"a": 2.0, "b": 2.0}, 0.6)]
    mixed = with_mean(rounds, "a and b", {"a": 0.25, "b": 0.75})
    assert [r.seconds["a and b"] for r in mixed] == [2.5, 2.0]
    assert [r.canary for r in mixed] == [0.5, 0.6]
    assert "a and b" not in rounds[0].seconds
