"""Style transfer without a trained net: optimize the pixels of one picture (Gatys et al. 2016).

:func:`optimize` is a generator. It knows no user interface: progress, snapshots and stopping are
what the caller does with the iterates.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from fst.errors import InputError
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.descent import Descent
from fst.optimization.descent import Iterate as Iterate  # what :func:`optimize` gives
from fst.optimization.optimizers import USUAL, make_optimizer
from fst.system.checks import number, one_of

FROM_PHOTO = ("photo", "noise", "blend")
"""Starts that need nothing but the photo."""

BLEND_NOISE = 0.25
"""Half the width of the noise that the ``"blend"`` start adds to the photo."""


def initial_image(
    init: str | Tensor, photo: Tensor, seed: int = 0, init_noise: float = 0.0
) -> Tensor:
    """The picture to start from, ``(1, 3, H, W)``.

    Args:
        init: ``"photo"``; ``"noise"``, uniform in [0, 1]; ``"blend"``, the photo plus uniform
            noise in [-0.25, 0.25], as the course notebooks do; or a picture of the photo's
            shape, such as a net's output.
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
        seed: of the noise. The noise is drawn on the CPU: the same on every device.
        init_noise: the share of uniform noise that is mixed into the start, from 0 to 1:
            ``noise * init_noise + start * (1 - init_noise)``.

    Raises:
        InputError: another name, a picture of another shape, noise that is mixed into noise.

    Source:
        The mixture is that of the course notebooks ("Art Generation with Neural Style Transfer").
    """
    if number("init_noise", init_noise, 0, 1) == 0:
        return _start(init, photo, seed)
    if isinstance(init, str) and init != "photo":
        raise InputError(f"init_noise goes with a start without noise, not with init {init}")
    return torch.lerp(_start(init, photo, seed), _noise(photo, seed), init_noise)


def _start(init: str | Tensor, photo: Tensor, seed: int) -> Tensor:
    if isinstance(init, Tensor):
        if init.shape != photo.shape:
            raise InputError(
                f"the start picture has shape {tuple(init.shape)}, the photo {tuple(photo.shape)}"
            )
        return init.detach().to(photo.device, torch.float32).clone()
    one_of("init", init, FROM_PHOTO)
    if init == "photo":
        return photo.detach().clone()
    noise = _noise(photo, seed)
    if init == "noise":
        return noise
    return (photo + BLEND_NOISE * (2 * noise - 1)).clamp(0, 1)


def _noise(photo: Tensor, seed: int) -> Tensor:
    """Uniform in [0, 1], of the photo's shape."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(photo.shape, generator=generator).to(photo.device)


def optimize(
    loss: PerceptualLoss,
    photo: Tensor,
    init: str | Tensor = "photo",
    optimizer: str = USUAL,
    iterations: int = 500,
    learning_rate: float | None = None,
    seed: int = 0,
    clamp: bool = False,
    init_noise: float = 0.0,
    average: float | None = None,
    tolerance: float = 0.0,
    by_layer: bool = False,
    state: Mapping[str, Any] | None = None,
) -> Iterator[Iterate]:
    """Minimizes ``loss`` over the pixels; yields every iterate, the start (iteration 0) first.

    One iteration is one evaluation of the objective and its gradient. Unless ``clamp`` is set the
    pixels are not bounded meanwhile; saving clamps to [0, 1].

    Args:
        loss: the objective.
        photo: ``(1, 3, H, W)``, RGB in [0, 1].
        init: as for :func:`initial_image`.
        optimizer: one of :data:`~fst.optimization.optimizers.OPTIMIZERS`.
        iterations: at least 0.
        learning_rate: of Adam (default 0.02, in units of the [0, 1] range), or of another one.
        seed: of a start with noise.
        clamp: bring the pixels back to [0, 1] after every step; not with L-BFGS, which would lose
            its curvature estimates.
        init_noise: as for :func:`initial_image`.
        average: decay of the average of the iterates that is shown instead, above 0 and below 1.
        tolerance: stop when the objective fell by less than this share over the last
            :data:`~fst.optimization.descent.PATIENCE` iterations, from 0 (never) to below 1.
        by_layer: iterates tell the parts of every layer, too.
        state: of an earlier iterate of the same optimization: goes on behind that one, to the bit.

    Raises:
        InputError: something that there is not, or ``clamp`` with L-BFGS.
        DivergedError: the objective is no longer finite.

    Source:
        Gatys et al. 2016, "Image Style Transfer Using Convolutional Neural Networks", section 3.
    """
    if iterations < 0:
        raise InputError(f"iterations must be at least 0, not {iterations}")
    if clamp and optimizer == "lbfgs":
        raise InputError("clamp goes with adam or sgd, not with lbfgs")
    decay = None if average is None else number("average", average, above=0, below=1)
    # L-BFGS flattens gradients as a view, so they have to be contiguous
    start = initial_image(init, photo, seed, init_noise)
    pixels = start.contiguous(memory_format=torch.contiguous_format).requires_grad_()
    solver = make_optimizer(optimizer, pixels, learning_rate)
    share = number("tolerance", tolerance, 0, below=1)
    targets = loss.content_targets(photo)
    descent = Descent(loss, targets, pixels, solver, clamp, decay, share, by_layer)
    if state is not None:
        descent.restore(state)
    yield from descent.iterates(iterations)
