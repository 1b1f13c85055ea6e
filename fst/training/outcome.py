"""Whether a training has led anywhere: a net that has learned nothing is no style."""

import sys
from typing import Any

import lightning

from fst.errors import DivergedError
from fst.losses.perceptual import PerceptualLoss
from fst.training.guard import FiniteGuard

NOTHING_LEARNED = 2.0
"""The objective at the end over that at the start: from here on a run is no success."""


def objective_now(loss: PerceptualLoss, trainer: lightning.Trainer) -> dict[str, Any]:
    """The held-out photos' objective, and what judged them; plain values, for a checkpoint."""
    return {"total": float(trainer.callback_metrics["val/total"]), "loss": loss.describe()}


def check_outcome(
    guard: FiniteGuard,
    start: dict[str, Any] | None,
    end: dict[str, Any],
    say: bool = True,
) -> None:
    """That the steps have led somewhere; warns where the objective has risen a little.

    Args:
        guard: of all steps.
        start: the objective before the first step; None where it is not known.
        end: after the last one.
        say: False for the further processes of a run on many devices.

    Raises:
        DivergedError: no step was taken, or the objective is far above that of the start.
    """
    if guard.taken == 0:
        why = "no step saw a photo that shows something: give data.path another folder"
        if guard.skipped:
            why = f"no step was finite ({guard.skipped} left out): lower learning_rate or weights"
        raise DivergedError(f"nothing was learned: {why}")
    if start is None or start["loss"] != end["loss"] or end["total"] < start["total"]:
        return
    first, last = (f"{of['total']:.4g}" for of in (start, end))
    rose = f"the objective rose from {first} at the start to {last}"
    if end["total"] > NOTHING_LEARNED * start["total"]:
        raise DivergedError(
            f"nothing was learned: {rose}: lower learning_rate. The run's checkpoints are kept"
        )
    remedy = "train for more steps, or lower learning_rate"
    if first == last:
        rose, remedy = f"the objective is still {first}, as at the start", "train for more steps"
    if say:
        print(f"warning: {rose}: {remedy}", file=sys.stderr)
