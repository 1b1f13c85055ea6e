"""Signals stop a run after its step, and are given back."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
import torch

from fst.system.signals import STOPPING, TOGETHER
from fst.training.stopping import StopOnSignal, ValidationLeft, how_to_go_on


@pytest.fixture
def stop() -> Iterator[StopOnSignal]:
    """The callback; whatever happens, the signals' handlers are what they were."""
    before = {number: signal.getsignal(number) for number in STOPPING}
    yield StopOnSignal()
    for number, handler in before.items():
        signal.signal(number, handler)


class StubTrainer:
    """As much of a trainer as the callback needs."""

    def __init__(self) -> None:
        self.global_step, self.max_steps = 7, 10
        self.world_size = 1
        self.should_stop = self.received_sigterm = False


def end_batch(stop: StopOnSignal, trainer: Any) -> None:
    stop.on_train_batch_end(trainer, MagicMock(), None, torch.zeros(1), 0)


def send(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(0.01)  # the handler runs between two instructions of the main thread


@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_stops_after_the_step(stop: StopOnSignal, number: int) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    send(number)
    assert trainer.should_stop is False  # not in the middle of a step
    end_batch(stop, trainer)
    assert trainer.should_stop is True
    assert stop.received == number


def test_without_a_signal_nothing_is_stopped(stop: StopOnSignal) -> None:
    trainer: Any = StubTrainer()
    stop.on_train_start(trainer, MagicMock())
    end_batch(stop, trainer)
    assert trainer.should_stop is False


@pytest.mark.parametrize("agreed", [True, False])
def test_several_processes_agree_at_the_end_of_a_validation(
    stop: StopOnSignal, agreed: bool
) -> None:
    trainer: Any = StubTrainer()
    trainer.world_size, trainer.strategy = 2, MagicMock()
    trainer.strategy.reduce_boolean_decision.return_value = agreed
    stop.received = None if agreed else signal.SIGINT  # it came to the other one, or after that
    stop.on_validation_end(trainer, MagicMock())
    trainer.strategy.reduce_boolean_decision.assert_called_once_with(not agreed, all=False)
    assert trainer.should_stop is agreed
    assert (stop.received is not None) is agreed


@pytest.mark.parametrize("first", STOPPING)
def test_a_second_signal_ends_at_once(stop: StopOnSignal, first: int) -> None:
    stop.on_train_start(MagicMock(), MagicMock())
    send(first)
    time.sleep(1.2 * TOGETHER)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


def test_a_signal_that_is_sent_twice_is_one(stop: StopOnSignal) -> None:
    stop.on_train_start(MagicMock(), MagicMock())
    for _ in range(3):  # `timeout` signals the process and its group
        send(signal.SIGTERM)
    assert stop.received == signal.SIGTERM


def test_what_nohup_ignores_is_ignored_further(stop: StopOnSignal) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop.setup(MagicMock(), MagicMock(), "fit")
    stop.on_train_start(MagicMock(), MagicMock())
    send(signal.SIGHUP)
    assert stop.received is None
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


class AtStep(StubTrainer):
    """A trainer that validates; the signals are those of this process."""

    def __init__(self, step: int, world_size: int = 1) -> None:
        super().__init__()
        self.global_step, self.world_size = step, world_size


def test_a_validation_is_left_where_nobody_waits_for_it(stop: StopOnSignal) -> None:
    stop.on_validation_start(cast(Any, AtStep(7)), MagicMock())
    with pytest.raises(ValidationLeft):
        send(signal.SIGTERM)
    assert stop.received == signal.SIGTERM


@pytest.mark.parametrize(("step", "world_size", "written"), [(10, 1, 0), (7, 2, 0), (7, 1, 1)])
def test_the_last_validation_and_one_on_several_devices_are_finished(
    stop: StopOnSignal, step: int, world_size: int, written: int
) -> None:
    stop.on_validation_start(cast(Any, AtStep(step, world_size)), MagicMock())
    if written:  # and one whose figures are being written down
        stop.on_validation_epoch_end(cast(Any, AtStep(step)), MagicMock())
    send(signal.SIGTERM)
    assert stop.received == signal.SIGTERM


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["/usr/bin/fst", "train", "style=monet", "data.path=my photos", "+resume=auto"],
         "fst train 'resume=runs/a b'"),
        (["/lib/fst/__main__.py", "train", "style=monet"],
         "python -m fst train 'resume=runs/a b'"),
        (["scripts/train.py", "style=monet"], "python scripts/train.py 'resume=runs/a b'"),
        (["/usr/bin/fst", "train", "-m", "style=monet,poppies"], "fst train 'resume=runs/a b'"),
        (["/lib/pytest/__main__.py", "tests"], "with: fst train 'resume=runs/a b'"),
        (["my_program.py"], "with: fst train 'resume=runs/a b'"),
    ],
)  # fmt: skip
def test_how_to_go_on_is_told_as_it_is_typed(
    typed: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", typed)
    line = how_to_go_on(Path("runs/a b"))
    assert line.endswith(told)
    assert "style=" not in line  # the run has its own settings


def test_the_signals_are_given_back_at_the_end(stop: StopOnSignal) -> None:
    mine: dict[int, Any] = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        mine[number] = lambda *arguments: None
        signal.signal(number, mine[number])
    stop.setup(MagicMock(), MagicMock(), "fit")
    stop.on_train_start(MagicMock(), MagicMock())
    assert signal.getsignal(signal.SIGTERM) != mine[signal.SIGTERM]
    stop.teardown(MagicMock(), MagicMock(), "fit")
    for number, handler in mine.items():
        assert signal.getsignal(number) is handler
