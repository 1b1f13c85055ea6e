"""fst.research.benchmarks.tables: rounds as rows, by hand; nothing is timed."""

import argparse
from collections.abc import Callable

import pytest
import torch

from fst.research.benchmarks import tables
from fst.research.benchmarks.rounds import Round
from fst.research.benchmarks.tables import cells, interleave, machine, make_row
from fst.research.benchmarks.training_step import Variant


def test_a_row_compares_with_the_yardstick_round_by_round() -> None:
    case = Variant("fp32")
    yardstick = Variant("textbook")
    rounds = [
        Round({case.name: 1.0, yardstick.name: 2.0}, 0.1),
        Round({case.name: 2.0, yardstick.name: 3.0}, 0.1),
        Round({case.name: 4.0, yardstick.name: 12.0}, 0.1),
    ]
    row = make_row(case, rounds, {case: 100.0, yardstick: 250.0})
    assert row == {
        "case": case.name,
        "seconds": 2.0,
        "textbook_seconds": 3.0,
        "ratio_median": 2.0,
        "ratio_min": 1.5,
        "ratio_max": 3.0,
        "peak_mb": 100.0,
        "textbook_peak_mb": 250.0,
    }
    shown = cells(row, batch=4, flops=8 * 10**9, peak=16e9, textbook_flops=9 * 10**9)
    assert shown == [
        case.name,
        "2.000 (3.000)",
        "2.00 (1.50 to 3.00)",
        "2.00 (1.33)",
        "4 (3)",
        "25%",
        "100 (250)",
    ]


@pytest.mark.parametrize(
    ("asked", "device", "compiled", "steps"),
    [(0, "cpu", False, 1), (0, "cuda", False, 20), (3, "cpu", True, 3)],
)
def test_rounds_are_as_many_and_as_long_as_asked_for_and_what_was_disturbed_is_told(
    asked: int,
    device: str,
    compiled: bool,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    calls = {"fp32": 0, "compile fp32": 0}
    taken = [Round({"fp32": 1.0}, canary) for canary in (0.1, 0.1, 0.5, 0.1)]
    seen: list[tuple[int, int]] = []

    def time_rounds(runs: object, canary: object, rounds: int, clock: object, count: int) -> object:
        seen.append((rounds, count))
        return taken

    def work(name: str) -> Callable[[], None]:
        def step() -> None:
            calls[name] += 1

        return step

    monkeypatch.setattr(tables, "time_rounds", time_rounds)
    monkeypatch.setattr(tables, "convolution", lambda device: (0, None))
    monkeypatch.setattr(tables, "make_clock", lambda device: lambda: 0.0)
    options = argparse.Namespace(compile=compiled, steps=asked, rounds=4)
    kept = interleave(options, {name: work(name) for name in calls}, torch.device(device))
    assert seen == [(4, steps)]
    assert kept == [taken[0], taken[1], taken[3]]
    told = capsys.readouterr().out
    assert "1 of 4" in told
    assert "compile fp32" in told  # and how long its first step took
    # only where the first step is not the only slow one there are more to warm up
    assert set(calls.values()) == {3 if compiled or device == "cuda" else 1}


def test_the_machine_is_told_with_its_instructions_and_peaks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {"cpu_name": "Abacus 9", "amx_bf16": True, "avx512_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    told = machine(torch.device("cpu"), {"fp32": 1.5e12})
    for fact in ("Abacus 9", "amx_bf16 yes", "avx512_bf16 no", "1 threads", "fp32 1,500"):
        assert fact in told
    assert "peaks" not in machine(torch.device("cpu"), {})
