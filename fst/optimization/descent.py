"""The pixels of one picture on their way down: all that a later iteration depends on, in one place.

So an optimization can be stopped anywhere between two iterations, kept, and gone on with.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from fst.errors import DivergedError, InputError
from fst.losses.perceptual import LossTerms, PerceptualLoss

PATIENCE = 20
"""Iterations over which the objective has to fall, where a tolerance is given."""

State = dict[str, Any]
"""Tensors and plain values, as ``torch.save`` keeps them and ``torch.load`` reads them without
code."""


@dataclass(frozen=True)
class Iterate:
    """The state of an optimization: ``iteration`` evaluations of objective and gradient.

    Attributes:
        iteration: how many there were.
        image: ``(1, 3, H, W)``, perhaps a little outside of [0, 1]. Of averaged iterates the mean.
        terms: its losses. Of averaged iterates those of the newest pixels, which cost nothing, and
            only of the last one those of the mean.
        layers: of every layer its part of ``terms``, as ``"style/relu1_1"``; weighted, so that the
            parts add up. Empty where it was not asked for.
        last: nothing follows: the iterations are done, or the tolerance was reached.
        state: what :func:`~fst.optimization.pixels.optimize` goes on from, behind this iterate. To
            be called before the next one is taken; None of the last one.
    """

    iteration: int
    image: Tensor
    terms: LossTerms
    layers: Mapping[str, Tensor] = field(default_factory=dict)
    last: bool = False
    state: Callable[[], State] | None = field(default=None, repr=False, compare=False)


class Average:
    """The exponential moving average of iterates, with the bias towards the first ones corrected.

    Args:
        decay: how much of the average stays in a step, from 0 to below 1.

    Source:
        Kingma & Ba 2014, sections 3 and 7.2: "temporal averaging".
    """

    def __init__(self, decay: float) -> None:
        self.decay, self.left = decay, 1.0
        self.sum: Tensor | None = None

    def update(self, pixels: Tensor) -> Tensor:
        """Takes the next iterate in; returns the average, a tensor of its own."""
        new = (1 - self.decay) * pixels
        self.sum = new if self.sum is None else self.sum.mul_(self.decay).add_(new)
        self.left *= self.decay
        return self.sum / (1 - self.left)


class Plateau:
    """Whether an objective has stopped falling.

    Args:
        tolerance: the share by which the least objective has to fall in :data:`PATIENCE`
            iterations; 0 is never reached.
    """

    def __init__(self, tolerance: float) -> None:
        self.tolerance = tolerance
        self.least: list[float] = []
        """The least objective up to each of the newest iterations."""

    def reached(self, objective: float) -> bool:
        """Takes the next objective in."""
        if self.tolerance == 0:
            return False
        self.least.append(min([objective, *self.least[-1:]]))
        if len(self.least) <= PATIENCE:
            return False
        return self.least[-1] > (1 - self.tolerance) * self.least.pop(0)


class Descent:
    """An optimization between two iterations.

    Args:
        loss: the objective.
        targets: of its content layers.
        pixels: a leaf, which is moved.
        solver: that moves them.
        clamp: bring the pixels back to [0, 1] after every step.
        average: decay of the average that is shown in the pixels' place; None shows the pixels.
        tolerance: as for :class:`Plateau`.
        by_layer: ask the loss for the parts of its layers, too.
    """

    def __init__(
        self,
        loss: PerceptualLoss,
        targets: Mapping[str, Tensor],
        pixels: Tensor,
        solver: torch.optim.Optimizer,
        clamp: bool = False,
        average: float | None = None,
        tolerance: float = 0.0,
        by_layer: bool = False,
    ) -> None:
        self.loss, self.targets, self.pixels, self.solver = loss, targets, pixels, solver
        self.clamp, self.by_layer = clamp, by_layer
        self.average = None if average is None else Average(average)
        self.plateau = Plateau(tolerance)
        self.iteration = 0

    def iterates(self, iterations: int) -> Iterator[Iterate]:
        """Up to so many, or to where the tolerance is reached; the last one says so."""
        while self.iteration < iterations:
            iterate = self.step()
            yield iterate
            if iterate.last:
                return
        yield self.end()

    def step(self) -> Iterate:
        """Evaluates the pixels and moves them; what is returned is from before they moved."""
        seen: list[tuple[float, LossTerms, Mapping[str, Tensor]]] = []

        def evaluate() -> float:
            self.solver.zero_grad()
            terms, layers = self._judge(self.pixels)
            objective: Any = terms.total.sum()
            objective.backward()
            value = float(objective.item())
            seen.append((value, LossTerms(*(term.detach() for term in terms)), layers))
            return value

        before = self.pixels.detach().clone()
        step: Callable[[Callable[[], float]], Any] = self.solver.step
        step(evaluate)
        if self.clamp:
            self.pixels.data.clamp_(0, 1)
        objective, terms, layers = seen[0]  # an optimizer of one's own may evaluate more often
        self._check_finite(terms)
        image = before if self.average is None else self.average.update(before)
        last = self.plateau.reached(objective)
        if last and self.average is not None:
            terms, layers = self._judge_last(image)
        found = Iterate(self.iteration, image, terms, layers, last, None if last else self.state)
        self.iteration += 1
        return found

    def end(self) -> Iterate:
        """The pixels as they are, without moving them."""
        pixels = self.pixels.detach().clone()
        image = pixels if self.average is None else self.average.update(pixels)
        terms, layers = self._judge_last(image)
        return Iterate(self.iteration, image, terms, layers, True)

    def state(self) -> State:
        """All that changes from iteration to iteration; a copy."""
        average = self.average
        return copy.deepcopy(
            {
                "iteration": self.iteration,
                "pixels": self.pixels.detach(),
                "solver": self.solver.state_dict(),
                "average": None if average is None else {"sum": average.sum, "left": average.left},
                "least": self.plateau.least,
            }
        )

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes back to where :meth:`state` was asked.

        Raises:
            InputError: it was asked of another optimization.
        """
        try:
            self._restore(state)
        except (LookupError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError("the state that was kept is of another optimization") from error

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.iteration = state["iteration"]
        with torch.no_grad():
            self.pixels.copy_(state["pixels"])
        self.solver.load_state_dict(state["solver"])
        if self.average is not None:
            self.average.sum = state["average"]["sum"].to(self.pixels.device)
            self.average.left = state["average"]["left"]
        self.plateau.least = list(state["least"])

    def _judge(self, image: Tensor) -> tuple[LossTerms, Mapping[str, Tensor]]:
        if not self.by_layer:
            return self.loss(image, self.targets), {}
        layers: dict[str, Tensor] = {}
        return self.loss(image, self.targets, layers=layers), layers

    @torch.no_grad()
    def _judge_last(self, image: Tensor) -> tuple[LossTerms, Mapping[str, Tensor]]:
        terms, layers = self._judge(image)
        self._check_finite(terms)
        return terms, layers

    def _check_finite(self, terms: LossTerms) -> None:
        if not bool(torch.isfinite(terms.total).all()):
            raise DivergedError(
                f"the objective is not finite at iteration {self.iteration}: try a lower learning "
                "rate"
            )
