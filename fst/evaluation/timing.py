"""How long a pass and an optimization take: both warm, and under which conditions."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fst.inference.stylizers import FeedForwardStylizer
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize
from fst.system.device import machine

TIMED_PASSES = 5


def conditions(stylizer: FeedForwardStylizer) -> dict[str, Any]:
    """What seconds depend on besides net and photo, as plain values.

    Figures of one report may be medians over photos that were finished on several days: those that
    were taken under other conditions are computed anew.
    """
    return {
        "backend": stylizer.backend,
        "device": stylizer.device.type,
        "machine": machine(stylizer.device),
        "precision": str(stylizer.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
    }


def time_pass(paint: Callable[[Tensor], Tensor], photo: Tensor) -> tuple[Tensor, float]:
    """A picture, and the median seconds of :data:`TIMED_PASSES` passes, the first one left out.

    Args:
        paint: ``(1, 3, H, W)`` in [0, 1] to the same shape.
        photo: ``(1, 3, H, W)``, on the device to compute on.
    """
    seconds = []
    for _ in range(TIMED_PASSES + 1):
        clock = start_clock(photo.device)
        painted = paint(photo)
        seconds.append(clock())
    return painted.clone(), statistics.median(seconds[1:])


def warm_up(loss: PerceptualLoss, photo: Tensor) -> None:
    """One iteration of the optimization, which does not count.

    The first one at a size also plans its convolutions and gets its memory, as the first pass does,
    which is left out as well.

    Args:
        loss: the objective.
        photo: ``(1, 3, H, W)``, on the device to compute on.
    """
    for _ in optimize(loss, photo, iterations=1):
        pass


def start_clock(device: torch.device) -> Callable[[], float]:
    """The seconds from now on, until all is done that was begun."""
    _wait_for(device)
    began = time.perf_counter()

    def seconds() -> float:
        _wait_for(device)
        return time.perf_counter() - began

    return seconds


def _wait_for(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)
