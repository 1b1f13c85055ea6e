"""What a training of many styles learns, and what judges it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from fst.losses.perceptual import PerceptualLoss
from fst.training.many.draws import Styles


@dataclass(frozen=True)
class Judged:
    """What the pictures that a loss judges are compared with.

    Attributes:
        draw: from a step, a number of photos and the position of the first in its batch to their
            styles.
        held_out: the styles that are validated and shown.
        moments: ``(V, MOMENTS)``, of all that can be drawn, for a predictor; None without one.
    """

    draw: Callable[[int, int, int], Styles]
    held_out: Styles
    moments: Tensor | None = None


@dataclass(frozen=True)
class Work:
    """What is to be learned.

    Attributes:
        measured: what a loss compares with, once its network has seen the paintings.
        paintings: ``(1, 3, H, W)`` each, of the styles that are validated.
        shown: for the run's page.
        about: for the finished file's description.
    """

    measured: Callable[[PerceptualLoss], Judged]
    paintings: Sequence[Tensor]
    shown: dict[str, str]
    about: dict[str, Any]
