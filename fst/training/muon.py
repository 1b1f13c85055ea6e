"""Muon: momentum whose matrices are made orthogonal, for the weights of convolutions.

The gradient of a convolution's weights is dominated by a few directions. Muon moves along all
directions of a matrix by the same length, which trains these nets faster than Adam
(docs/quality.md).
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic Newton-Schulz iteration, from Jordan et al. 2024: steep at zero."""

ITERATIONS = 5

RMS_OF_ADAM = 0.2
"""How far Adam's steps move a weight on average, in learning rates (Liu et al. 2025, section 2.2):
with it, one learning rate serves both."""


class Muon(torch.optim.Optimizer):
    """Orthogonalized momentum for convolution and linear weights.

    Args:
        params: tensors of at least two dimensions; all but the first count as one.
        lr: about what would be given to Adam: an entry moves by 0.2 of it on average.
        momentum: of the gradients, with Nesterov's look ahead.

    ``found_inf``, if set to a tensor of 1.0 on the device, leaves the step out, as the fused Adam
    of torch does, and nobody waits for it.

    Source:
        Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the scale of
        the step after Liu et al. 2025, "Muon is scalable for LLM training", section 2.2.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 3e-3, momentum: float = 0.9) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self.found_inf: Tensor | None = None

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step along the gradients at hand."""
        if closure is not None:
            with torch.enable_grad():
                closure()
        matmul = torch.backends.cuda.matmul
        tf32, matmul.allow_tf32 = matmul.allow_tf32, False  # the square form needs its digits
        try:
            self._step_all()
        finally:
            matmul.allow_tf32 = tf32

    def _step_all(self) -> None:
        for group in self.param_groups:
            for weights in _of_one_shape(p for p in group["params"] if p.grad is not None):
                self._step(weights, group["lr"], group["momentum"])

    def _step(self, weights: list[Tensor], rate: float, momentum: float) -> None:
        gradients = torch.stack([weight.grad.flatten(1) for weight in weights])  # type: ignore[union-attr]
        means = torch.stack([self._mean(weight).flatten(1) for weight in weights])
        if self.found_inf is None:
            kept = torch.tensor(1.0 - momentum)
        else:  # a zero times what is not finite would not be zero
            gradients = torch.where(self.found_inf > 0, torch.zeros_like(gradients), gradients)
            kept = (1.0 - momentum) * (1.0 - self.found_inf)
        means = means + kept * (gradients - means)
        steps = orthogonalize(torch.lerp(gradients, means, momentum))
        steps = steps * (RMS_OF_ADAM * max(steps.shape[1:]) ** 0.5)
        if self.found_inf is not None:
            steps = steps * (1.0 - self.found_inf)
        for weight, mean, step in zip(weights, means, steps, strict=True):
            self.state[weight]["momentum"].copy_(mean.view(weight.shape))
            weight.sub_(step.view(weight.shape), alpha=rate)

    def _mean(self, weight: Tensor) -> Tensor:
        state: dict[str, Any] = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        mean: Tensor = state["momentum"]
        return mean


def orthogonalize(matrices: Tensor) -> Tensor:
    """The nearest matrices with equal singular values, roughly: they end between 0.7 and 1.2.

    The iteration multiplies a matrix ``X`` by polynomials in ``X X^T``, which commute: they are
    gathered in the small square form, and ``X`` itself is touched twice.

    Args:
        matrices: ``(N, R, C)``.

    Returns:
        The same shape; a matrix of zeros stays one.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return orthogonalize(matrices.mT).mT
    a, b, c = COEFFICIENTS
    tiny = torch.finfo(matrices.dtype).tiny
    x = matrices / matrices.flatten(1).norm(dim=1).clamp_min(tiny)[:, None, None]
    square = x @ x.mT
    identity = torch.eye(square.shape[1], device=x.device, dtype=x.dtype)
    product = identity.expand_as(square)
    for _ in range(ITERATIONS):
        factor = a * identity + b * square + c * square @ square
        product = factor @ product
        square = factor @ square @ factor
    result: Tensor = product @ x
    return result


def _of_one_shape(weights: Iterable[Tensor]) -> list[list[Tensor]]:
    """Weights that can be stacked, together: a few large operations instead of many small ones."""
    groups: dict[Any, list[Tensor]] = {}
    for weight in weights:
        groups.setdefault((weight.shape, weight.dtype, weight.device), []).append(weight)
    return list(groups.values())
