"""Keeps a run alive when a loss or a gradient is not finite: skip, count, roll back, give up."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fst.errors import DivergedError
from fst.losses.perceptual import LossTerms

PATIENCE = 3
"""So many bad steps in a row end in a rollback."""

MAX_ROLLBACKS = 3
"""After so many rollbacks the run stops."""

GPU_CHECK_EVERY = 10
"""Steps between looks at a GPU's flags: each look waits for the GPU."""


class FiniteGuard:
    """Watches the terms and the gradients of every step, on the device, without waiting for it.

    A bad step changes nothing: :meth:`watch` returns the flag with which Adam leaves its step out.
    What follows from bad steps is decided in :meth:`settle`, when somebody looks.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self.in_row = 0
        self.rollbacks = 0
        self.bad_step = 0
        self.bad_terms: list[str] = []
        self._pending: list[tuple[int, Tensor]] = []

    def watch(self, step: int, terms: LossTerms, parameters: Iterable[nn.Parameter]) -> Tensor:
        """1.0 on the device if this step must be left out, else 0.0; the same on every device."""
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        finite = [term.isfinite().all() for term in terms] + [norm.isfinite()]
        flags = torch.stack(finite).int()
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(flags, dist.ReduceOp.MIN)
        self._pending.append((step, flags))
        return 1.0 - flags.min().float()

    def settle(self) -> bool:
        """Counts the bad steps since the last look; True if the run must be rolled back."""
        pending, self._pending = self._pending, []
        names = (*LossTerms._fields, "gradient")
        roll_back = False
        for step, flags in pending:
            good = flags.tolist()
            if all(good):
                self.in_row = 0
                continue
            self.skipped += 1
            self.in_row += 1
            self.bad_step = step
            bad = [name for name, fine in zip(names, good, strict=True) if not fine]
            # a bad loss makes the gradient bad, too: only the cause is worth naming
            self.bad_terms = [name for name in bad if name != "gradient"] or bad
            print(f"step {step}: the {self.bad_text} is not finite: skipped", flush=True)
            roll_back = roll_back or self.in_row == PATIENCE
        if roll_back:
            self.in_row = 0
        return roll_back

    @property
    def bad_text(self) -> str:
        """What was not finite, in words."""
        what = " and ".join(self.bad_terms)
        return what if self.bad_terms == ["gradient"] else f"{what} loss"

    @property
    def gives_up(self) -> bool:
        """Whether there were so many rollbacks that one more is of no use."""
        return self.rollbacks >= MAX_ROLLBACKS

    def state_dict(self) -> dict[str, Any]:
        """The counts, and what is not counted yet, as plain values."""
        return {
            "skipped": self.skipped,
            "in_row": self.in_row,
            "rollbacks": self.rollbacks,
            "pending": [(step, flags.tolist()) for step, flags in self._pending],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the counts of an interrupted run."""
        self.skipped, self.in_row = state["skipped"], state["in_row"]
        self.rollbacks = state["rollbacks"]
        self._pending = [(step, torch.tensor(flags)) for step, flags in state["pending"]]


class Rollback:
    """The state that a run goes back to when its loss is no longer finite.

    That is the last *good* checkpoint: one after which the loss was finite. A newer one is
    unproven until then: its weights may be past saving already, and only the next step's loss
    shows it.
    """

    def __init__(self) -> None:
        self.good: dict[str, Any] | None = None
        self.unproven: dict[str, Any] | None = None
        self.rate_factor = 1.0
        """Of the learning rate: halved by every rollback."""
        self.just_done = False
        """Whether the run was rolled back since its last checkpoint."""

    def start(self, guard: FiniteGuard, state: dict[str, Any]) -> None:
        """Takes the state that a run, or a resumed run, begins with."""
        if self.good is None:
            self.good = state
        elif guard.in_row == 0:
            self.unproven = state

    def saved(self, guard: FiniteGuard, state: dict[str, Any]) -> None:
        """Takes the state of a checkpoint that is being written."""
        self.unproven = state if guard.in_row == 0 else None
        self.just_done = False

    def proven(self) -> None:
        """The loss after the last checkpoint is finite: from now on it is the good one."""
        if self.unproven is not None:
            self.good, self.unproven = self.unproven, None

    def go_back(
        self, guard: FiniteGuard, module: nn.Module, optimizers: Sequence[torch.optim.Optimizer]
    ) -> bool:
        """The weights and optimizers of the good state, and half the learning rate from here on.

        Steps are not taken back: the same photos would lead to the same trouble.

        Returns:
            False if this was one rollback too many, and the run must end.
        """
        assert self.good is not None  # since start()
        module.load_state_dict(self.good["module"])
        for optimizer, state in zip(optimizers, self.good["optimizers"], strict=True):
            optimizer.load_state_dict(copy.deepcopy(state))
        self.just_done, self.unproven = True, None
        if guard.gives_up:
            return False
        guard.rollbacks += 1
        self.rate_factor /= 2
        print(
            f"step {guard.bad_step}: back to the last good checkpoint, with half the learning "
            f"rate from here on (rollback {guard.rollbacks})",
            flush=True,
        )
        return True


def snapshot(module: nn.Module, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Any]:
    """A copy of what :meth:`Rollback.go_back` puts back."""
    states = [optimizer.state_dict() for optimizer in optimizers]
    return copy.deepcopy({"module": module.state_dict(), "optimizers": states})


def diverged(guard: FiniteGuard, photos: Sequence[str]) -> DivergedError:
    """What is said of a run that one more rollback would not save; of which photos it was."""
    return DivergedError(
        f"the {guard.bad_text} is not finite at step {guard.bad_step}, after "
        f"{MAX_ROLLBACKS} rollbacks; the photos: {', '.join(photos) or 'unknown'}. "
        "The last good weights are saved: lower learning_rate, then resume=auto"
    )
