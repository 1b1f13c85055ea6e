from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fst.training.reporting import busy
from fst.training.reporting.busy import BusyProcessor, advice

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("taken", "threads", "fewer"), [(0.5, 2, 1), (1.9, 2, 1), (1.2, 8, 7), (6.0, 4, 1)]
)
def test_beside_others_fewer_threads_are_advised(taken: float, threads: int, fewer: int) -> None:
    said = advice(taken, threads, CPU)
    assert f"OMP_NUM_THREADS={fewer}," in said
    assert f"{taken:.1f} cores" in said


@pytest.mark.parametrize(
    ("taken", "threads", "device"),
    [(0.3, 2, CPU), (None, 2, CPU), (1.5, 1, CPU), (1.5, 2, torch.device("cuda"))],
)
def test_else_nothing_is_said(taken: float | None, threads: int, device: torch.device) -> None:
    assert advice(taken, threads, device) == ""


def test_it_is_said_once_some_steps_into_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(busy, "Others", lambda: SimpleNamespace(cores=lambda: 1.0))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    callback, module = BusyProcessor(), SimpleNamespace(device=CPU)
    trainer: Any = SimpleNamespace(global_step=100, is_global_zero=True, world_size=1)
    callback.on_train_start(trainer, module)  # type: ignore[arg-type]
    said = []
    for step in range(101, 120):
        trainer.global_step = step
        callback.on_train_batch_end(trainer, module, None, torch.zeros(1), 0)  # type: ignore[arg-type]
        said.append(capsys.readouterr().out)
    assert [number for number, line in enumerate(said) if line] == [BusyProcessor.LOOKED_AT]
