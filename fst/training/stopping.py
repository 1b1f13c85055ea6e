"""``Ctrl-C``, ``SIGTERM`` and ``SIGHUP`` end a run after the step at hand, and how to go on."""

import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from fst.system.device import process_rank
from fst.system.signals import heeded, is_echo, note

ASK_EVERY = 10
"""Steps after which several GPUs agree on whether to stop."""


class ValidationLeft(BaseException):
    """A validation was left because of a signal; a resumed run makes it again, all of it."""


class StopOnSignal(Callback):
    """A signal that asks to stop ends the run after the step at hand; a second one at once.

    A validation is left, or not begun: it is made when the run goes on. Only that of the last step
    is finished, and so is the run. Processes on several devices finish the validation at hand
    together. The trainer's checkpoints are saved wherever a run stops, but before its first step.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.connected: Callable[[], object] = lambda: None
        """Called once the processes of a run have found each other."""
        self._when = 0.0
        self._before: dict[int, Any] = {}
        self._at_hand = "step"
        self._agreed = self._leaves = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Notes the handlers that there are, before Lightning sets its own."""
        self.connected()
        self._before = {number: signal.getsignal(number) for number in heeded()}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes over the signals, from Lightning."""
        self._take_over(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leaves a validation that a stopped run would end with; else takes the signals over."""
        self._at_hand = "validation"
        last = trainer.global_step >= trainer.max_steps
        if self._agreed and not last:
            raise ValidationLeft
        self._leaves = trainer.world_size == 1 and not last
        self._take_over(trainer)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """From here on its figures are written down: that is quick, and not left half done."""
        self._leaves = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops, too; before the trainer saves the step."""
        self._at_hand = "step"
        if self._asked(trainer):
            trainer.should_stop = True

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Stops if a signal has come; on several devices at the same step."""
        # asking the others waits for the GPU: only now and then
        if trainer.world_size > 1 and not batch.is_cpu and trainer.global_step % ASK_EVERY:
            return
        if self._asked(trainer) and trainer.global_step < trainer.max_steps:
            trainer.should_stop = self._agreed = True

    def _take_over(self, trainer: Trainer) -> None:
        for number in heeded():
            signal.signal(number, self._receive)
        if trainer.received_sigterm is True:  # it came before, while the photos were being opened
            self.received = self.received or signal.SIGTERM
            trainer._signal_connector.received_sigterm = False  # Lightning would end without a word

    def _asked(self, trainer: Trainer) -> bool:
        """Whether to stop: several processes answer alike, or one would wait for the other."""
        if trainer.world_size == 1:
            return self.received is not None
        # a signal may come while this waits: only the answer counts, and it is for the next time
        stop = trainer.strategy.reduce_boolean_decision(self.received is not None, all=False)
        if stop and self.received is None:
            self._heed(signal.SIGTERM)
        return stop

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the signals back; after Lightning, which has done the same."""
        self._give_back()
        self._before.clear()

    def _give_back(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            if is_echo(self._when):
                return
            self._give_back()
            raise KeyboardInterrupt(number)
        note(number)
        if self._leaves:
            self._leaves = False
            self._heed(number, said=False)
            raise ValidationLeft
        self._heed(number)

    def _heed(self, number: int, said: bool = True) -> None:
        self.received, self._when = number, time.monotonic()
        if said and process_rank() == 0:
            print(f"stopping after this {self._at_hand} …", file=sys.stderr, flush=True)


def how_to_go_on(folder: Path) -> str:
    """The command that goes on with a run, by the program that was typed: it has its own settings.

    Args:
        folder: the run's.
    """
    program, *words = sys.argv
    begin = {
        "__main__.py": ["python", "-m", "fst", "train"] if words[:1] == ["train"] else None,
        "train.py": ["python", program],
    }.get(Path(program).name)
    return f"go on with: {shlex.join([*(begin or ['fst', 'train']), f'resume={folder}'])}"
