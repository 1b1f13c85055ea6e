"""When a run saves its checkpoint."""

from typing import Any

import lightning
from lightning.pytorch.callbacks import ModelCheckpoint

from fst.system.random import random_states, set_random_states
from fst.training.module import StyleTransferModule
from fst.training.stopping import ValidationLeft


class Checkpoints(ModelCheckpoint):
    """Saves after the validation of a step, where there is one.

    A run that is killed while it validates then goes on from the checkpoint before and validates
    again; saved before, the resumed run would lack that validation. Whatever the step, a run is
    saved where it was rolled back, so that the newest checkpoint is a good one, and where it stops
    or has done its last step. A run that stops where it would validate does so when it goes on.
    """

    _random_before_validation: dict[str, Any] | None = None

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Leaves the steps that are validated to :meth:`on_validation_end`."""
        if trainer.global_step % int(trainer.val_check_interval):
            self._save_if_due(trainer, pl_module)
        else:
            self._random_before_validation = random_states()

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Saves if the step is due and was left."""
        self._save_if_due(trainer, pl_module)

    def on_exception(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        exception: BaseException,
    ) -> None:
        """Saves where a validation is left, as if it had just begun: a resumed run makes it."""
        random, self._random_before_validation = self._random_before_validation, None
        if isinstance(exception, ValidationLeft):
            # none: it is the one that a resumed run begins with, and its checkpoint is there
            if random is not None and not self._should_skip_saving_checkpoint(trainer):
                progress = trainer.fit_loop.epoch_loop.val_loop.batch_progress
                progress.reset()
                progress.increment_ready()
                progress.increment_started()
                set_random_states(random)  # to open its photos draws a number
                self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
        else:
            super().on_exception(trainer, pl_module, exception)

    def _save_if_due(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        rolled_back = isinstance(pl_module, StyleTransferModule) and pl_module.rollback.just_done
        due = not trainer.global_step % self._every_n_train_steps
        due = due or rolled_back or trainer.should_stop
        due = due or trainer.global_step >= trainer.max_steps
        if due and not self._should_skip_saving_checkpoint(trainer):
            self._save_topk_checkpoint(trainer, self._monitor_candidates(trainer))
