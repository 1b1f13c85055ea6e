"""Times several ways to do the same work, interleaved in one process; and a process's memory.

Machines are shared and their clocks move, so only ratios within one round count. A round runs every
variant once, in rotating order, and a canary (a fixed convolution) before each; where the canary's
time jumps, the round is discarded.
"""

import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

CANARY_TOLERANCE = 0.25
"""The largest share by which a round's canary may deviate from the median of all rounds."""

Work = Callable[[], object]
"""One step, everything bound."""

Clock = Callable[[], float]
"""Seconds since whenever, once all work that was started is done."""


@dataclass(frozen=True)
class Round:
    """One turn of every variant: name -> seconds of a step, and those of the slowest canary."""

    seconds: Mapping[str, float]
    canary: float


@dataclass(frozen=True)
class Ratio:
    """One variant against its yardstick: median seconds, and ``yardstick / variant`` by round."""

    seconds: float
    yardstick_seconds: float
    ratio_median: float
    ratio_min: float
    ratio_max: float


def make_clock(device: torch.device) -> Clock:
    """A clock that waits for the device first."""
    if device.type == "cpu":
        return time.perf_counter

    def clock() -> float:
        torch.accelerator.synchronize(device)
        return time.perf_counter()

    return clock


def warm_up(runs: Mapping[str, Work], clock: Clock, steps: int = 1) -> dict[str, float]:
    """Takes a few steps of each; the seconds of the first ones, with all that is done only once."""
    first = {}
    for name, run in runs.items():
        began = clock()
        run()
        first[name] = clock() - began
        for _ in range(steps - 1):
            run()
    return first


def time_rounds(
    runs: Mapping[str, Work], canary: Work, rounds: int, clock: Clock, steps: int = 1
) -> list[Round]:
    """Times every run in every round, the order rotating by one from round to round.

    Args:
        runs: name -> one step.
        canary: fixed work.
        rounds: how many.
        clock: from :func:`make_clock`.
        steps: of a turn. More than one shows what a step waits for that others worked ahead.
    """

    def seconds(run: Work, times: int) -> float:
        began = clock()
        for _ in range(times):
            run()
        return (clock() - began) / times

    names, results = list(runs), []
    for number in range(rounds):
        shift = number % len(names)
        taken, canaries = {}, []
        for name in names[shift:] + names[:shift]:
            canaries.append(seconds(canary, 1))
            taken[name] = seconds(runs[name], steps)
        results.append(Round(taken, max(canaries)))
    return results


def steady(rounds: Sequence[Round], tolerance: float = CANARY_TOLERANCE) -> list[Round]:
    """The rounds whose canary took about as long as usual; at least one."""
    # the low median is one of the values, so that its round stays
    usual = statistics.median_low([r.canary for r in rounds])
    return [r for r in rounds if abs(r.canary - usual) <= tolerance * usual]


def with_mean(rounds: Sequence[Round], name: str, shares: Mapping[str, float]) -> list[Round]:
    """The rounds, and in each what a step takes on average where steps are of several kinds.

    Args:
        rounds: in which all of these were timed.
        name: of the average.
        shares: variant -> its share of the steps, which sum to one.
    """
    return [
        Round({**r.seconds, name: sum(w * r.seconds[v] for v, w in shares.items())}, r.canary)
        for r in rounds
    ]


def ratios(rounds: Sequence[Round], name: str, yardstick: str) -> list[float]:
    """How many times faster ``name`` was than ``yardstick``, round by round."""
    return [r.seconds[yardstick] / r.seconds[name] for r in rounds]


def ratio_over_rounds(rounds: Sequence[Round], name: str, yardstick: str) -> Ratio:
    """The figures of one variant against its yardstick."""
    by_round = ratios(rounds, name, yardstick)
    return Ratio(
        statistics.median(r.seconds[name] for r in rounds),
        statistics.median(r.seconds[yardstick] for r in rounds),
        statistics.median(by_round),
        min(by_round),
        max(by_round),
    )


def convolution(device: torch.device, dtype: torch.dtype = torch.float32) -> tuple[int, Work]:
    """Fixed work of about 40 ms on two cores, and how many floating-point operations it is.

    A 3x3 convolution of 256 channels in channels-last: what most of VGG-19 is made of.
    """
    n, c, side = (4 if device.type == "cpu" else 256), 256, 64

    def random(*shape: int) -> Tensor:
        tensor = torch.rand(shape, device=device, dtype=dtype)
        return tensor.contiguous(memory_format=torch.channels_last)

    x, weight = random(n, c, side, side), random(c, c, 3, 3)
    return 2 * 9 * c * c * n * side * side, lambda: F.conv2d(x, weight, padding=1)


def matrix_product(device: torch.device, dtype: torch.dtype) -> tuple[int, Work]:
    """A product of two large matrices, and how many floating-point operations it is."""
    side = 8192
    a, b = (torch.rand(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3, lambda: a @ b


def peak_flops(device: torch.device, dtype: torch.dtype, times: int = 30) -> float:
    """The best floating-point operations a second seen: convolutions, on a GPU matrices too."""
    kinds = (convolution,) if device.type == "cpu" else (convolution, matrix_product)
    clock = make_clock(device)
    best = 0.0
    for kind in kinds:
        operations, run = kind(device, dtype)
        for _ in range(times):
            best = max(best, operations / warm_up({"": run}, clock)[""])
    return best


def peak_bytes(device: torch.device) -> int:
    """The most memory this process ever held: on a GPU torch's there, else its resident set."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss also counts what the parent held when it started this process
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
