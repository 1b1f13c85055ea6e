"""What moves the pixels, by name: functions from pixels and a rate to a :mod:`torch.optim` one.

Torch is imported by those that need it: the names are told by ``--help``, which has to be quick.
"""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from fst.system.checks import number, one_of

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

USUAL = "lbfgs"
"""Where none is chosen: Gatys et al. 2016, section 3."""


def lbfgs(pixels: "Tensor", learning_rate: float = 1.0) -> "Optimizer":
    """L-BFGS with unit steps and without a line search, so that a step evaluates once.

    So Gatys et al. and Johnson et al. ran it. At an equal number of evaluations its objective was
    at or below that of a strong-Wolfe search (docs/performance.md).

    Args:
        pixels: ``(1, 3, H, W)``, contiguous; a leaf that requires a gradient.
        learning_rate: length of a step, in that of the quasi-Newton step.
    """
    from torch.optim import LBFGS

    # max_iter=1 without a line search: every step() evaluates once, at the pixels as they are
    return LBFGS(
        [pixels],
        lr=learning_rate,
        max_iter=1,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
    )


def adam(pixels: "Tensor", learning_rate: float = 0.02) -> "Optimizer":
    """Adam (Kingma & Ba 2014).

    Args:
        pixels: as for :func:`lbfgs`.
        learning_rate: in units of the [0, 1] range.
    """
    from torch.optim import Adam

    return Adam([pixels], lr=learning_rate)


def sgd(pixels: "Tensor", learning_rate: float = 5e-7) -> "Optimizer":
    """Plain gradient descent: no momentum, no line search, no normalized gradients.

    The objective is a mean over the picture, so that its gradient with respect to one value becomes
    smaller as the picture becomes larger. The rate is that of the sum: the step is rate × values ×
    gradient. How high a rate holds depends on the painting and the photo: the objective of a smooth
    painting is steep, and the larger its start, the lower the rate has to be (docs/lab.md).

    Args:
        pixels: as for :func:`lbfgs`.
        learning_rate: of the objective times the number of values.
    """
    from torch.optim import SGD

    return SGD([pixels], lr=learning_rate * pixels.numel())


OPTIMIZERS: "dict[str, Callable[..., Optimizer]]" = {"lbfgs": lbfgs, "adam": adam, "sgd": sgd}
"""Name -> function of the pixels and ``learning_rate``, whose default is the usual one. One of
one's own is an entry here. Its ``step`` is given a closure that evaluates objective and gradient;
to go on after a stop, all that it remembers has to be in its ``state_dict``."""


def usual_rate(name: str) -> float:
    """The learning rate of an optimizer where none is chosen."""
    default = inspect.signature(OPTIMIZERS[name]).parameters["learning_rate"].default
    return float(default)


def make_optimizer(name: str, pixels: "Tensor", learning_rate: float | None = None) -> "Optimizer":
    """One of :data:`OPTIMIZERS`, at its usual rate where none is given.

    Args:
        name: of the optimizer.
        pixels: that it moves.
        learning_rate: above 0.

    Raises:
        InputError: no such name, or no such rate.
    """
    make = OPTIMIZERS[one_of("optimizer", name, tuple(OPTIMIZERS))]
    rate = usual_rate(name) if learning_rate is None else learning_rate
    return make(pixels, number("learning_rate", rate, above=0))
