"""Keeps a run alive when a loss or a gradient is not finite: skip, count, roll back, give up.

A step whose photos all show nothing is left out, too, but is no failure.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fst.data.sources import named
from fst.errors import DivergedError, InputError
from fst.losses.perceptual import LossTerms

PATIENCE = 3
"""So many bad steps in a row end in a rollback."""

MAX_ROLLBACKS = 3
"""After so many rollbacks the run stops."""

MAX_BLANK = 100
"""After so many steps in a row that saw nothing but blank photos the run stops."""

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
        self.taken = 0
        """Steps that have changed the weights: neither bad nor blank."""
        self.blank_in_row = 0
        self.bad_step = 0
        self.bad_terms: list[str] = []
        self._pending: list[tuple[int, Tensor]] = []

    def watch(
        self,
        step: int,
        terms: LossTerms,
        parameters: Iterable[nn.Parameter],
        flat: Tensor | None = None,
    ) -> Tensor:
        """1.0 on the device if this step must be left out, else 0.0; the same on every device.

        Args:
            step: counted from 0.
            terms: of the step's photos.
            parameters: of the net, with the step's gradients.
            flat: ``(N,)``, which photos show nothing and gave no gradient; their terms count for
                nothing. None: all show something.
        """
        flat = torch.zeros_like(terms.content, dtype=torch.bool) if flat is None else flat
        norm = nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        finite = [(term.isfinite() | flat).all() for term in terms] + [norm.isfinite()]
        flags = torch.stack([*finite, flat.all()]).int()
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(flags, dist.ReduceOp.MIN)  # blank is what is blank on all devices
        self._pending.append((step, flags))
        return 1.0 - (flags[:-1].min() * (1 - flags[-1])).float()

    def settle(self) -> bool:
        """Counts the steps since the last look; True if the run must be rolled back."""
        pending, self._pending = self._pending, []
        names = (*LossTerms._fields, "gradient")
        roll_back = False
        for step, flags in pending:
            *good, blank = flags.tolist()
            if all(good):
                self.blank_in_row = self.blank_in_row + 1 if blank else 0
                if not blank:
                    self.in_row, self.taken = 0, self.taken + 1
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
    def is_proven(self) -> bool:
        """Whether the loss of the last step that was looked at is known to be finite."""
        return self.in_row == 0 and self.blank_in_row == 0

    @property
    def bad_text(self) -> str:
        """What was not finite, in words."""
        what = " and ".join(self.bad_terms)
        return what if self.bad_terms == ["gradient"] else f"{what} loss"

    @property
    def gives_up(self) -> bool:
        """Whether there were so many rollbacks that one more is of no use."""
        return self.rollbacks >= MAX_ROLLBACKS

    @property
    def sees_nothing(self) -> bool:
        """Whether so many steps in a row were blank that no other is to be expected."""
        return self.blank_in_row >= MAX_BLANK

    def state_dict(self) -> dict[str, Any]:
        """The counts, and what is not counted yet, as plain values."""
        return {
            "skipped": self.skipped,
            "in_row": self.in_row,
            "rollbacks": self.rollbacks,
            "taken": self.taken,
            "blank_in_row": self.blank_in_row,
            "pending": [(step, flags.tolist()) for step, flags in self._pending],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes the counts of an interrupted run."""
        self.skipped, self.in_row = state["skipped"], state["in_row"]
        self.rollbacks = state["rollbacks"]
        # runs of before knew no blank steps, and did not count those that were taken
        self.taken, self.blank_in_row = state.get("taken", 1), state.get("blank_in_row", 0)
        known = len(LossTerms._fields) + 1
        pending = [(step, [*flags, 0][: known + 1]) for step, flags in state["pending"]]
        self._pending = [(step, torch.tensor(flags)) for step, flags in pending]


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
        f"{MAX_ROLLBACKS} rollbacks; the photos: {_all_named(photos)}. "
        "The last good weights are saved: lower learning_rate, then resume=auto"
    )


def nothing_to_see(guard: FiniteGuard, photos: Sequence[str]) -> InputError:
    """What is said of a run whose photos are blank; the last ones are named."""
    return InputError(
        f"{guard.blank_in_row} steps in a row saw only photos of one color ({_all_named(photos)}): "
        "give data.path a folder of photos that show something"
    )


def _all_named(photos: Sequence[str]) -> str:
    return named([*dict.fromkeys(photos)], most=8) or "unknown"
