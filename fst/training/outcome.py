"""Whether a training has led anywhere: a net that has learned nothing is no style."""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from fst.errors import DivergedError
from fst.evaluation import artifacts
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


def check_learned(
    net: nn.Module, before: Mapping[str, Tensor], steps: int, guard: FiniteGuard
) -> None:
    """That a run has changed its net: else there is nothing to keep.

    Args:
        net: after the last step.
        before: the weights that it began with.
        steps: of the run.
        guard: of all of them.

    Raises:
        DivergedError: it hasn't.
    """
    now = net.state_dict()
    if any(not torch.equal(weight.cpu(), before[name].cpu()) for name, weight in now.items()):
        return
    skipped = guard.skipped
    why = f"{skipped} of {steps} steps were skipped" if skipped else "no step changed its net"
    raise DivergedError(
        f"the run learned nothing, and no style was written: {why}. Look at the photos and the "
        "painting (are they blank?), at learning_rate and the weights"
    )


def artifacts_of(
    painters: Sequence[Callable[[Tensor], Tensor]], photos: Tensor
) -> dict[str, float]:
    """What is wrong with painted pictures, as means by the curve's names.

    Args:
        painters: one for each photo.
        photos: ``(N, 3, H, W)``; of those that are too small nothing is known.
    """
    if min(photos.shape[2:]) < artifacts.MEASURABLE_SIDE:
        return {}
    pairs = zip(painters, photos, strict=True)
    found = [artifacts.measure_artifacts(paint, photo[None]) for paint, photo in pairs]
    means = torch.tensor(found).mean(0).tolist()
    return {f"val/{name}": mean for name, mean in zip(found[0]._fields, means, strict=True)}
