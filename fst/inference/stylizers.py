"""The front door: a photo and a style in, a painted picture out.

A style that has a checkpoint is painted in one pass; one that has only a painting is optimized.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.choices import MARGIN, METHODS
from fst.errors import InputError
from fst.inference.backends import pick_backend
from fst.inference.painter import Painter
from fst.losses.perceptual import STYLE_LAYERS, PerceptualLoss
from fst.optimization.pixels import Iterate, optimize
from fst.optimization.presets import PRESETS
from fst.optimization.pyramid import optimize_coarse_to_fine
from fst.styles.catalog import load_style, resolve_style, style_file
from fst.styles.objective import (
    judged_by_slim,
    load_objective,
    objective_arguments,
    style_target,
    term_weights,
)
from fst.styles.trained import TrainedStyle, load_checkpoint

OnIterate = Callable[[Iterate], None]
"""What the caller does with each iterate of an optimization: progress, snapshots, stopping."""


@dataclass
class FeedForwardStylizer:
    """Paints in one pass with a trained net.

    The other attributes are those of :class:`~fst.inference.painter.Painter`.
    """

    style: TrainedStyle
    device: torch.device
    dtype: torch.dtype = torch.float32
    memory: int | None = None
    circular: bool = False
    backend: str = "eager"
    margin: int = 0

    def __post_init__(self) -> None:
        self.painter = Painter(
            self.style.net, self.dtype, self.memory, self.circular, self.backend, self.margin
        )

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same."""
        return self.painter(photo.to(self.device)).cpu()


@dataclass
class OptimizingStylizer:
    """Paints by optimizing the pixels of every photo, large ones coarse to fine."""

    loss: PerceptualLoss
    device: torch.device
    settings: dict[str, Any]
    """Keyword arguments of :func:`~fst.optimization.pyramid.optimize_coarse_to_fine`."""

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same; ``on_iterate`` sees every iterate."""
        image = photo
        photo = photo.to(self.device)
        for iterate in optimize_coarse_to_fine(self.loss, photo, **self.settings):
            image = iterate.image
            if on_iterate is not None:
                on_iterate(iterate)
        return image.clamp(0, 1).cpu()


@dataclass
class RefiningStylizer:
    """Paints in one pass, and then optimizes the pixels of that, for the loss the net learned."""

    fast: FeedForwardStylizer
    loss: PerceptualLoss
    settings: dict[str, Any]
    """Keyword arguments of :func:`~fst.optimization.pixels.optimize`."""

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same; ``on_iterate`` sees every iterate."""
        photo = photo.to(self.fast.device)
        image = self.fast(photo).to(photo.device)
        for iterate in optimize(self.loss, photo, init=image, **self.settings):
            image = iterate.image
            if on_iterate is not None:
                on_iterate(iterate)
        return image.clamp(0, 1).cpu()


Stylizer = FeedForwardStylizer | OptimizingStylizer | RefiningStylizer


def make_stylizer(
    style: str,
    method: str = "auto",
    device: torch.device | None = None,
    dtype: torch.dtype = torch.float32,
    checkpoints: Path | None = None,
    style_size: int | None = None,
    preset: str = "gatys",
    loss: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    refine: int = 0,
    memory: int | None = None,
    circular: bool = False,
    backend: str = "auto",
    margin: int = MARGIN,
) -> Stylizer:
    """What paints in ``style``.

    Args:
        style: the name of a style, the path of a checkpoint or of a painting, or a blend of
            checkpoints as for :func:`load_style`.
        method: ``"feedforward"``, ``"optimize"``, or ``"auto"``: the former where there is a
            checkpoint, else the latter.
        device: to compute on; None is the CPU.
        dtype: of convolutions.
        checkpoints: the folder of finished styles, as for :func:`resolve_style`.
        style_size: long side of the painting for the optimization, in pixels.
        preset: of the optimization, one of :data:`~fst.optimization.presets.PRESETS`.
        loss: keyword arguments of :class:`~fst.losses.perceptual.PerceptualLoss` over the preset's.
        settings: keyword arguments of :func:`~fst.optimization.pixels.optimize` over the preset's.
        refine: iterations of the optimization that follow a pass, under the loss that the net was
            trained with.
        memory: how many bytes a pass may take, as for :class:`~fst.inference.painter.Painter`.
        circular: paint so that the output tiles the plane; a pass only.
        backend: what runs the net, ``"auto"`` or one of :data:`fst.choices.BACKENDS`.
        margin: of a pass, as for :class:`~fst.inference.painter.Painter`; a picture that is refined
            begins without one.

    Raises:
        InputError: an unknown method, style or preset; refining or tiling without a checkpoint.
        CheckpointError: ``"feedforward"``, and the style has no checkpoint.
        AssetError: the painting or VGG-19 can't be had.
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if preset not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    device = device or torch.device("cpu")
    mixed = "=" in style and not Path(style).exists()
    path, name = (None, style) if mixed else resolve_style(style, checkpoints)
    if mixed and (refine or method == "optimize"):
        raise InputError("a blend is painted in one pass: there is no painting to optimize for")
    if mixed or (path is not None and method != "optimize") or method == "feedforward":
        trained = load_style(style, checkpoints, device)
        backend = pick_backend(backend, device, dtype)
        margin = 0 if refine else margin
        fast = FeedForwardStylizer(trained, device, dtype, memory, circular, backend, margin)
        if not refine:
            return fast
        if circular:
            raise InputError("a picture that tiles can't be refined: the loss knows only one tile")
        _, objective = load_objective(trained, device, dtype, **objective_arguments(loss or {}))
        return RefiningStylizer(fast, objective, {**(settings or {}), "iterations": refine})
    if refine or circular:
        wish = "refine" if refine else "tile"
        raise InputError(f"to {wish}, a style needs a checkpoint, and {name!r} is optimized")
    # a checkpoint knows the painting that it was trained on, whatever its name
    described = {} if path is None else load_checkpoint(path).description
    about = style_file(style) if path is None else described["style"]
    weights = term_weights(about)
    chosen = PRESETS[preset]
    if preset != "gatys":
        weights = {}  # the preset's own balance
    arguments = {**weights, **chosen.loss, **(loss or {})}
    target = style_target(
        about.get("image") or style_file(name)["image"],
        style_size or about.get("size", 512),
        arguments.get("style_layers", STYLE_LAYERS),
        arguments.setdefault("weights", "slim" if judged_by_slim(described) else "auto"),
    )
    objective = PerceptualLoss(target, dtype=dtype, **arguments).to(device)
    defaults, settings = dict(chosen.optimize), settings or {}
    if settings.get("optimizer", defaults.get("optimizer")) != defaults.get("optimizer"):
        for name in ("learning_rate", "clamp"):  # another optimizer's
            defaults.pop(name, None)
    return OptimizingStylizer(objective, device, {**defaults, **settings})
