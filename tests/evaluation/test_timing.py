"""Both sides are timed warm, on a clock that the test turns."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

import fst.evaluation.compare
from fst.evaluation import timing
from fst.evaluation.compare import Comparison, compare
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import optimize


class Machine:
    """Whose first pass and first iteration take a hundred seconds, and all others one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.iterations = self.passes = 0
        clock = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr(timing, "time", clock)
        monkeypatch.setattr(timing, "optimize", self.optimize)
        monkeypatch.setattr(fst.evaluation.compare, "optimize", self.optimize)

    def optimize(self, loss: PerceptualLoss, photo: Tensor, **settings: Any) -> Iterator[Any]:
        for iterate in optimize(loss, photo, **settings):
            self.now += 1.0 if self.iterations else 100.0
            self.iterations += 1
            yield iterate

    def paint(self, photo: Tensor) -> Tensor:
        self.now += 0.5 if self.passes else 50.0
        self.passes += 1
        return photo


def test_pass_and_optimization_are_both_timed_warm(
    comparison: Comparison, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch)
    comparison.stylizer.painter = machine.paint  # type: ignore[assignment]
    (entry,) = compare(replace(comparison, iterations=4), photos[:1], tmp_path / "report")
    assert entry["fast"]["seconds"] == 0.5
    for start in ("photo", "noise"):
        assert entry["optimized"][start]["seconds_per_iteration"] == 1.0
    assert entry["speedup"]["at_500"] == 1000


def test_the_conditions_are_those_of_the_stylizer_and_of_torch(comparison: Comparison) -> None:
    found = timing.conditions(comparison.stylizer)
    assert found["device"] == "cpu"
    assert (found["backend"], found["precision"]) == ("eager", "float32")
    assert (found["threads"], found["torch"]) == (torch.get_num_threads(), torch.__version__)
    assert found["machine"]
