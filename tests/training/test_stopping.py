"""Signals stop a run after its step, and are given back."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
import torch

from fst.system import signals
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


Moment = Callable[[StopOnSignal, Any], None]


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


class Together(StubTrainer):
    """A trainer of two processes; while they agree, what they find is what ``agree`` returns."""

    def __init__(self, agree: Callable[[bool], bool]) -> None:
        super().__init__()
        self.world_size, self.asked = 2, list[bool]()
        self._agree = agree
        self.strategy = self

    def reduce_boolean_decision(self, mine: bool, all: bool) -> bool:
        assert all is False
        self.asked.append(mine)
        return self._agree(mine)


MOMENTS = [end_batch, lambda stop, trainer: stop.on_validation_end(trainer, MagicMock())]


@pytest.mark.parametrize("moment", MOMENTS)
def test_several_processes_stop_where_one_of_them_is_asked(
    stop: StopOnSignal,
    moment: Moment,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signals, "TOGETHER", 600)  # however slow this machine is
    trainer: Any = Together(lambda mine: True)
    stop.on_train_start(trainer, MagicMock())
    moment(stop, trainer)
    assert trainer.asked == [False]
    assert trainer.should_stop is True
    assert stop.received is not None
    send(signal.SIGINT)  # a terminal's Ctrl-C reaches both: no second one
    assert capfd.readouterr().err == "stopping after this step …\n"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_that_comes_while_processes_agree_counts_the_next_time(
    stop: StopOnSignal, moment: Moment
) -> None:
    def agree(mine: bool) -> bool:
        if not mine:
            send(signal.SIGTERM)  # too late: the others have been told that nothing has come
        return mine

    trainer: Any = Together(agree)
    stop.on_train_start(trainer, MagicMock())
    moment(stop, trainer)
    assert trainer.should_stop is False  # alone, it would wait for the other one forever
    moment(stop, trainer)
    assert trainer.asked == [False, True]
    assert trainer.should_stop is True


@pytest.mark.parametrize("first", STOPPING)
def test_a_second_signal_ends_at_once(stop: StopOnSignal, first: int) -> None:
    stop.on_train_start(MagicMock(), MagicMock())
    send(first)
    time.sleep(1.2 * TOGETHER)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


def test_a_signal_that_is_sent_twice_is_one(
    stop: StopOnSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signals, "TOGETHER", 600)
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
