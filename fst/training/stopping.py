"""``Ctrl-C`` and ``SIGTERM`` end a run after the step at hand."""

import signal
import sys
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from fst.system.device import process_rank

STOPPING = (signal.SIGINT, signal.SIGTERM)

ASK_EVERY = 10
"""Steps after which several GPUs agree on whether to stop."""


class StopOnSignal(Callback):
    """``Ctrl-C`` and ``SIGTERM`` end the run after the step at hand; a second ``Ctrl-C`` at once.

    Or after the validation at hand. The trainer's checkpoints are saved wherever a run stops, but
    before its first step; one that has done its last step is finished.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}
        self._at_hand = "step"

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Notes the handlers that there are, before Lightning sets its own."""
        self._before = {number: signal.getsignal(number) for number in STOPPING}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes over the two signals, from Lightning."""
        self._take_over(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes them over in the validations before the first step and after the last one, too."""
        self._at_hand = "validation"
        self._take_over(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops, too; before the trainer saves the step."""
        self._at_hand = "step"
        if trainer.world_size > 1:
            self._agree(trainer)
        if self.received is not None:
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
        if trainer.world_size > 1 and (batch.is_cpu or trainer.global_step % ASK_EVERY == 0):
            self._agree(trainer)
        elif trainer.world_size > 1:
            return
        if self.received is not None and trainer.global_step < trainer.max_steps:
            trainer.should_stop = True

    def _take_over(self, trainer: Trainer) -> None:
        for number in STOPPING:
            signal.signal(number, self._receive)
        if trainer.received_sigterm is True:  # it came before, while the photos were being opened
            self.received = self.received or signal.SIGTERM
            trainer._signal_connector.received_sigterm = False  # Lightning would end without a word

    def _agree(self, trainer: Trainer) -> None:
        stop = trainer.strategy.reduce_boolean_decision(self.received is not None, all=False)
        self.received = (self.received or signal.SIGTERM) if stop else None

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Gives the signals back; after Lightning, which has done the same."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
        if process_rank() == 0:
            print(f"stopping after this {self._at_hand} …", file=sys.stderr, flush=True)
