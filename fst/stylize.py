"""The front door: a photo and a style in, a painted picture out.

A style that has a checkpoint is painted in one pass; one that has only a painting is optimized.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst import assets
from fst.checkpoint import TrainedStyle, load_checkpoint
from fst.errors import AssetError, CheckpointError, InputError
from fst.feedforward import feedforward
from fst.image import load_image, resize
from fst.optimize import PRESETS, Iterate, optimize
from fst.perceptual import STYLE_LAYERS, PerceptualLoss
from fst.statistics import style_target

METHODS = ("auto", "feedforward", "optimize")

OnIterate = Callable[[Iterate], None]
"""What the caller does with each iterate of an optimization: progress, snapshots, stopping."""


def resolve_style(style: str, checkpoints: Path | None = None) -> tuple[Path | None, str]:
    """The style's checkpoint, or None, and its name.

    Args:
        style: the name of a style, or the path of a checkpoint or of a painting.
        checkpoints: the folder of finished styles; None is :data:`fst.assets.CHECKPOINTS`.

    Raises:
        CheckpointError: a path that is a pickle or no checkpoint.
        InputError: neither a checkpoint nor a painting has this name; names those there are.
    """
    folders = assets.CHECKPOINTS if checkpoints is None else (checkpoints,)
    path = Path(style)
    if path.suffix in (".safetensors", ".pth", ".pt", ".ckpt", ".model", ".bin"):
        return path, load_checkpoint(path).name
    if path.suffix.lower() in assets.IMAGE_SUFFIXES and path.is_file():
        return None, path.stem
    for folder in folders:
        if (trained := folder / f"{style}.safetensors").is_file():
            return trained, style
    if style in assets.style_names():
        return None, style
    try:
        return None, assets.find("styles", style).stem
    except AssetError:
        found = {path.stem for folder in folders for path in folder.glob("*.safetensors")}
        known = ", ".join(sorted(found))
        raise InputError(
            f"no style {style!r}: checkpoints in {folders[0]}/: {known or 'none'}; "
            f"paintings to optimize for: {', '.join(assets.style_names())}; "
            "or give the path of a checkpoint or of a painting"
        ) from None


def style_file(style: str) -> dict[str, Any]:
    """What a style file says; of a painting without one: ``{"image": style}``."""
    return assets.read_style(style) if style in assets.style_names() else {"image": style}


def load_painting(style: str, size: int | None = None) -> tuple[Tensor, dict[str, Any]]:
    """A style's painting ``(1, 3, H, W)`` and the loss weights that its style file sets.

    Args:
        style: the name of a style file, or the path or name of a painting.
        size: long side in pixels; None takes the style file's, or else 512.

    Raises:
        AssetError: the painting can't be had.
    """
    about = style_file(style)
    picture = load_image(assets.find("styles", about["image"]))
    return resize(picture, size or about.get("size", 512)).rgb, term_weights(about)


def term_weights(about: dict[str, Any]) -> dict[str, float]:
    """The weights of the loss terms that a style's description sets."""
    return {key: value for key, value in about.items() if key.endswith("_weight")}


@dataclass
class FeedForwardStylizer:
    """Paints in one pass with a trained net."""

    style: TrainedStyle
    device: torch.device
    dtype: torch.dtype = torch.float32

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same."""
        return feedforward(self.style.net, photo.to(self.device), self.dtype).cpu()


@dataclass
class OptimizingStylizer:
    """Paints by optimizing the pixels of every photo."""

    loss: PerceptualLoss
    device: torch.device
    settings: dict[str, Any]
    """Keyword arguments of :func:`~fst.optimize.optimize`."""

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        """``(1, 3, H, W)`` in [0, 1] to the same; ``on_iterate`` sees every iterate."""
        image = photo
        for iterate in optimize(self.loss, photo.to(self.device), **self.settings):
            image = iterate.image
            if on_iterate is not None:
                on_iterate(iterate)
        return image.clamp(0, 1).cpu()


Stylizer = FeedForwardStylizer | OptimizingStylizer


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
) -> Stylizer:
    """What paints in ``style``.

    Args:
        style: the name of a style, or the path of a checkpoint or of a painting.
        method: ``"feedforward"``, ``"optimize"``, or ``"auto"``: the former where there is a
            checkpoint, else the latter.
        device: to compute on; None is the CPU.
        dtype: of convolutions.
        checkpoints: the folder of finished styles, as for :func:`resolve_style`.
        style_size: long side of the painting for the optimization, in pixels.
        preset: of the optimization, one of :data:`~fst.optimize.PRESETS`.
        loss: keyword arguments of :class:`~fst.perceptual.PerceptualLoss` over the preset's.
        settings: keyword arguments of :func:`~fst.optimize.optimize` over the preset's.

    Raises:
        InputError: an unknown method, style or preset.
        CheckpointError: ``"feedforward"``, and the style has no checkpoint.
        AssetError: the painting or VGG-19 can't be had.
    """
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    if preset not in PRESETS:
        raise InputError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}")
    device = device or torch.device("cpu")
    path, name = resolve_style(style, checkpoints)
    if path is not None and method != "optimize":
        return FeedForwardStylizer(load_checkpoint(path, device), device, dtype)
    if method == "feedforward":
        raise CheckpointError(
            f"no checkpoint for {name!r} in {checkpoints or assets.CHECKPOINTS[0]}/: train one "
            f"with scripts/train.py style={name}, or use --method optimize"
        )
    # a checkpoint knows the painting that it was trained on, whatever its name
    about = style_file(style) if path is None else load_checkpoint(path).description["style"]
    weights = term_weights(about)
    chosen = PRESETS[preset]
    if preset != "gatys":
        weights = {}  # the preset's own balance
    arguments = {**weights, **chosen.loss, **(loss or {})}
    target = style_target(
        about.get("image") or style_file(name)["image"],
        style_size or about.get("size", 512),
        arguments.get("style_layers", STYLE_LAYERS),
        arguments.get("weights", "auto"),
    )
    objective = PerceptualLoss(target, dtype=dtype, **arguments).to(device)
    defaults, settings = dict(chosen.optimize), settings or {}
    if settings.get("optimizer", defaults.get("optimizer")) != defaults.get("optimizer"):
        for name in ("learning_rate", "clamp"):  # another optimizer's
            defaults.pop(name, None)
    return OptimizingStylizer(objective, device, {**defaults, **settings})


def load_objective(
    style: TrainedStyle,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    painting: str | None = None,
    weights: str | None = None,
) -> tuple[Tensor | None, PerceptualLoss]:
    """The painting and the loss that a checkpoint was trained with, rebuilt from its description.

    Args:
        style: from :func:`~fst.checkpoint.load_checkpoint`.
        device: for the loss.
        dtype: to run VGG-19 in.
        painting: where the painting is; None looks for the name in the description.
        weights: of VGG-19, as for :class:`~fst.vgg.VGG19`; None is ``"slim"`` for a style that was
            trained with it, and else ``"auto"``.

    Returns:
        The painting, ``(1, 3, H, W)``, or None where only its statistics are at hand; the loss.

    Raises:
        AssetError: the painting or VGG-19 can't be had.
    """
    about, settings = style.description["style"], dict(style.description["loss"])
    network = settings.pop("loss_network")
    weights = weights or ("slim" if network.get("weights") == "slim" else "auto")
    layers = settings.get("style_layers", STYLE_LAYERS)
    target = style_target(painting or about["image"], about["size"], layers, weights)
    loss = PerceptualLoss(
        target, weights=weights, pooling=network["pooling"], dtype=dtype, **settings
    ).to(device)
    return target if isinstance(target, Tensor) else None, loss
