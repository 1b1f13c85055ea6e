"""Signals stop a run after its step, and are given back."""

import os
import signal
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch

from fst.training.stopping import StopOnSignal


@pytest.fixture
def stop() -> Iterator[StopOnSignal]:
    """The callback; whatever happens, the signals' handlers are what they were."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
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


@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_interrupt_ends_at_once(stop: StopOnSignal, first: int) -> None:
    stop.on_train_start(MagicMock(), MagicMock())
    send(first)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


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
