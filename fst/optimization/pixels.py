"""Style transfer without a trained net: optimize the pixels of one picture (Gatys et al. 2016).

:func:`optimize` is a generator. It knows no user interface: progress, snapshots and early stopping
are what the caller does with the iterates.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fst.choices import INITS, OPTIMIZERS
from fst.errors import DivergedError, InputError
from fst.losses.perceptual import LossTerms, PerceptualLoss
from fst.system.checks import number, one_of

LEARNING_RATES = {"lbfgs": 1.0, "adam": 0.02}

BLEND_NOISE = 0.25
"""Half the width of the noise that the ``"blend"`` start adds to the photo."""


@dataclass(frozen=True)
class Iterate:
    """The state of an optimization: ``iteration`` evaluations of objective and gradient.

    ``image`` is ``(1, 3, H, W)``, perhaps a little outside of [0, 1]; ``terms`` are its losses.
    """

    iteration: int
    image: Tensor
    terms: LossTerms


def initial_image(init: str | Tensor, photo: Tensor, seed: int = 0) -> Tensor:
    """The picture to start from, ``(1, 3, H, W)``.

    Args:
        init: ``"photo"``; ``"noise"``, uniform in [0, 1]; ``"blend"``, the photo plus uniform
            noise in [-0.25, 0.25], as the course notebooks do; or a picture of the photo's
            shape, such as a net's output.
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
        seed: of the noise. The noise is drawn on the CPU: the same on every device.

    Raises:
        InputError: another name, or a picture of another shape.
    """
    if isinstance(init, Tensor):
        if init.shape != photo.shape:
            raise InputError(
                f"the start picture has shape {tuple(init.shape)}, the photo {tuple(photo.shape)}"
            )
        return init.detach().to(photo.device, torch.float32).clone()
    one_of("init", init, INITS)
    if init == "photo":
        return photo.detach().clone()
    noise = torch.rand(photo.shape, generator=torch.Generator().manual_seed(seed)).to(photo.device)
    if init == "noise":
        return noise
    return (photo + BLEND_NOISE * (2 * noise - 1)).clamp(0, 1)


def optimize(
    loss: PerceptualLoss,
    photo: Tensor,
    init: str | Tensor = "photo",
    optimizer: str = "lbfgs",
    iterations: int = 500,
    learning_rate: float | None = None,
    seed: int = 0,
    clamp: bool = False,
) -> Iterator[Iterate]:
    """Minimizes ``loss`` over the pixels; yields every iterate, the start (iteration 0) first.

    One iteration is one evaluation of the objective and its gradient. L-BFGS takes unit steps
    without a line search, as Gatys et al. and Johnson et al. ran it: at an equal number of
    evaluations its objective was at or below that of a strong-Wolfe search (docs/performance.md).
    Unless ``clamp`` is set the pixels are not bounded while optimizing (an L-BFGS that is clamped
    loses its curvature estimates); saving clamps to [0, 1].

    Args:
        loss: the objective.
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
        init: as for :func:`initial_image`.
        optimizer: ``"lbfgs"`` or ``"adam"``.
        iterations: at least 0.
        learning_rate: of Adam (default 0.02, in units of the [0, 1] range), or the step length of
            L-BFGS (default 1).
        seed: of a noise start.
        clamp: bring the pixels back to [0, 1] after every step; for Adam only.

    Raises:
        InputError: an unknown optimizer or start, or ``clamp`` with L-BFGS.
        DivergedError: the objective is no longer finite.

    Source:
        Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", section 3.
    """
    if iterations < 0:
        raise InputError(f"iterations must be at least 0, not {iterations}")
    if clamp and optimizer != "adam":
        raise InputError("clamp goes with adam only")
    rate = _learning_rate(optimizer, learning_rate)
    targets = loss.content_targets(photo)
    start = initial_image(init, photo, seed)
    # L-BFGS flattens gradients as a view, so they have to be contiguous
    pixels = start.contiguous(memory_format=torch.contiguous_format).requires_grad_()
    solver = _solver(optimizer, pixels, rate)
    yield from _descend(loss, targets, pixels, solver, iterations, clamp)


def _descend(
    loss: PerceptualLoss,
    targets: dict[str, Tensor],
    pixels: Tensor,
    solver: torch.optim.Optimizer,
    iterations: int,
    clamp: bool,
) -> Iterator[Iterate]:
    last: list[LossTerms] = []

    def evaluate() -> float:
        solver.zero_grad()
        terms = loss(pixels, targets)
        objective = terms.total.sum()
        objective.backward()
        last[:] = [LossTerms(*(term.detach() for term in terms))]
        return float(objective.item())

    step: Callable[[Callable[[], float]], Any] = solver.step
    for iteration in range(iterations):
        before = pixels.detach().clone()
        step(evaluate)
        if clamp:
            pixels.data.clamp_(0, 1)
        _check_finite(last[0], iteration)
        yield Iterate(iteration, before, last[0])
    with torch.no_grad():
        terms = loss(pixels, targets)
    _check_finite(terms, iterations)
    yield Iterate(iterations, pixels.detach().clone(), terms)


def _learning_rate(optimizer: str, learning_rate: float | None) -> float:
    one_of("optimizer", optimizer, OPTIMIZERS)
    rate = LEARNING_RATES[optimizer] if learning_rate is None else learning_rate
    return number("learning_rate", rate, above=0)


def _solver(optimizer: str, pixels: Tensor, rate: float) -> torch.optim.Optimizer:
    if optimizer == "adam":
        return torch.optim.Adam([pixels], lr=rate)
    # max_iter=1 without a line search: every step() evaluates once, at the pixels as they are
    return torch.optim.LBFGS(
        [pixels], lr=rate, max_iter=1, history_size=20, tolerance_grad=0, tolerance_change=0
    )


def _check_finite(terms: LossTerms, iteration: int) -> None:
    if not bool(torch.isfinite(terms.total).all()):
        raise DivergedError(
            f"the objective is not finite at iteration {iteration}: try a lower learning rate"
        )
