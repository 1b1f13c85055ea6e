"""What the benchmarks print: interleaved rounds as rows of a table."""

import argparse
import os
from typing import Any

import torch

from fst.research.benchmarks.rounds import (
    Round,
    Work,
    convolution,
    make_clock,
    ratio_over_rounds,
    steady,
    time_rounds,
    warm_up,
)
from fst.research.benchmarks.training_step import Variant


def interleave(
    options: argparse.Namespace, runs: dict[str, Work], device: torch.device
) -> list[Round]:
    """The rounds in which nothing disturbed; tells what was discarded and how long compiling took.

    The warm-up takes three steps where the first is not the only slow one: a compiled step may be
    compiled once more, and cuDNN tries its algorithms.
    """
    clock, cpu = make_clock(device), device.type == "cpu"
    first = warm_up(runs, clock, 3 if options.compile or not cpu else 1)
    for name, seconds in first.items():
        if name.startswith("compile"):
            print(f"{name}: {seconds:.0f} s until the first step was done (cold)", flush=True)
    steps = options.steps or (1 if cpu else 20)
    rounds = time_rounds(runs, convolution(device)[1], options.rounds, clock, steps)
    kept = steady(rounds)
    if len(kept) < len(rounds):
        print(f"discarded {len(rounds) - len(kept)} of {len(rounds)} rounds: the canary jumped")
    return kept


def make_row(case: Variant, rounds: list[Round], memory: dict[Variant, float]) -> dict[str, Any]:
    """A row of the JSON file."""
    found = ratio_over_rounds(rounds, case.name, case.yardstick.name)
    return {
        "case": case.name,
        "seconds": found.seconds,
        "textbook_seconds": found.yardstick_seconds,
        "ratio_median": found.ratio_median,
        "ratio_min": found.ratio_min,
        "ratio_max": found.ratio_max,
        "peak_mb": memory[case],
        "textbook_peak_mb": memory[case.yardstick],
    }


def say_if_busy() -> None:
    """Says so where other work is running on this machine, before ours begins."""
    load = os.getloadavg()[0]
    if load > 0.5:
        print(
            f"other work is running here (load {load:.1f}): don't trust these seconds", flush=True
        )


def machine(device: torch.device, peaks: dict[str, float]) -> str:
    """One line on what was measured with."""
    capabilities = torch.cpu.get_capabilities()
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    else:
        name = str(capabilities.get("cpu_name", device.type))
        for feature in ("amx_bf16", "avx512_bf16"):
            name += f", {feature} {'yes' if capabilities.get(feature) else 'no'}"
    measured = ", ".join(f"{kind} {peak / 1e9:,.0f}" for kind, peak in peaks.items())
    measured = f"; peaks in GFLOP/s: {measured}" if peaks else ""
    threads = f"{torch.get_num_threads()} threads"
    return f"{name}, {threads}, torch {torch.__version__}{measured}"


def cells(
    row: dict[str, Any], batch: int, flops: int, peak: float, textbook_flops: int
) -> list[str]:
    """A row of the table; ours, and the textbook's in parentheses."""
    seconds, theirs = row["seconds"], row["textbook_seconds"]
    return [
        row["case"],
        f"{seconds:.3f} ({theirs:.3f})",
        f"{row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f})",
        f"{batch / seconds:.2f} ({batch / theirs:.2f})",
        f"{flops / seconds / 1e9:,.0f} ({textbook_flops / theirs / 1e9:,.0f})",
        f"{flops / seconds / peak:.0%}",
        f"{row['peak_mb']:,.0f} ({row['textbook_peak_mb']:,.0f})",
    ]
