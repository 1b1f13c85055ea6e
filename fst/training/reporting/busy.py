"""Says when other programs take so much of the processor that threads wait for each other."""

from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from fst.system.load import Others

TAKEN = 0.5
"""Cores that others take, from which on one thread is faster than several: the work is divided
evenly, and all wait for the thread whose core does something else."""


class BusyProcessor(Callback):
    """Advises fewer threads, once, where other programs take cores from a training on the CPU.

    The number of threads is not changed by itself: a sum in another order has other last digits,
    and a run that goes on after a stop would no longer be the one that was never stopped.
    """

    LOOKED_AT = 5
    """Steps in which others are watched, the first one aside, which waits for photos."""

    def __init__(self) -> None:
        self.others: Others | None = None
        self.first = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begins where the run begins."""
        self.others, self.first = None, trainer.global_step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Tensor,
        batch_idx: int,
    ) -> None:
        """Looks, some steps into the run."""
        done = trainer.global_step - self.first
        if done == 1:
            self.others = Others()
        elif done == 1 + self.LOOKED_AT and self.others is not None:
            said = advice(self.others.cores(), torch.get_num_threads(), pl_module.device)
            if said and trainer.is_global_zero and trainer.world_size == 1:
                print(said, flush=True)


def advice(taken: float | None, threads: int, device: torch.device) -> str:
    """What is said; empty where there is nothing to say.

    Args:
        taken: cores that other programs take; None is not known.
        threads: of this one.
        device: that computes.
    """
    if device.type != "cpu" or threads < 2 or taken is None or taken < TAKEN:
        return ""
    fewer = max(1, threads - max(1, round(taken)))
    return (
        f"other programs take {taken:.1f} cores, and {threads} threads wait for each other: "
        f"begin with OMP_NUM_THREADS={fewer}, which is faster beside them"
    )
