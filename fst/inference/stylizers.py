"""The front door: a photo and a style in, a painted picture out.

A style that has a checkpoint is painted in one pass; one that has only a painting is optimized.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst import assets
from fst.blend import blend, parse_blend
from fst.checkpoint import TrainedStyle, load_checkpoint
from fst.errors import AssetError, CheckpointError, FstWarning, InputError
from fst.image.io import load_image
from fst.image.picture import resize
from fst.inference.backends import pick_backend
from fst.inference.painter import Painter
from fst.loss_networks.weights import WEIGHTS
from fst.losses.perceptual import STYLE_LAYERS, PerceptualLoss
from fst.losses.statistics import style_target
from fst.optimization.pixels import Iterate, optimize
from fst.optimization.presets import PRESETS
from fst.optimization.pyramid import optimize_coarse_to_fine

SLIM = WEIGHTS["slim"].architecture

METHODS = ("auto", "feedforward", "optimize")

MARGIN = 20
"""Of a pass, in pixels: enough for strokes at the border that are as strong as elsewhere."""

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


def load_style(
    style: str, checkpoints: Path | None = None, device: torch.device | str = "cpu"
) -> TrainedStyle:
    """A trained style by its name or path, or a blend of several: ``"monet=0.7,poppies=0.3"``.

    The shares of a blend are divided by their sum where that is not 1, with a warning.

    Raises:
        CheckpointError: no checkpoint, a damaged one, or a blend of different nets.
        InputError: no such style; a blend that can't be read.
    """
    if "=" not in style or Path(style).exists():
        path, name = resolve_style(style, checkpoints)
        if path is None and style != name:
            raise CheckpointError(
                f"{style} is a painting, not a trained style: train one with scripts/train.py "
                f"style=monet style.name={name} style.image={style}"
            )
        if path is None:
            raise CheckpointError(
                f"no checkpoint for {name!r} in {checkpoints or assets.CHECKPOINTS[0]}/: train one "
                f"with scripts/train.py style={name}, or use --method optimize"
            )
        return load_checkpoint(path, device)
    shares = parse_blend(style)
    if not math.isclose(total := sum(shares.values()), 1, rel_tol=1e-3):
        warnings.warn(
            f"the shares of {style} add up to {total:g}: divided by that", FstWarning, stacklevel=2
        )
    shares = {name: share / total for name, share in shares.items()}
    return blend({name: load_style(name, checkpoints, device) for name in shares}, shares)


def style_name(style: str, checkpoints: Path | None = None) -> str:
    """What pictures in this style, or in this blend of styles, are named after.

    Raises:
        CheckpointError, InputError: as :func:`resolve_style`.
    """
    if "=" in style and not Path(style).exists():
        return "-".join(resolve_style(name, checkpoints)[1] for name in parse_blend(style))
    return resolve_style(style, checkpoints)[1]


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
        backend: what runs the net, ``"auto"`` or one of :data:`fst.inference.backends.BACKENDS`.
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


def judged_by_slim(description: dict[str, Any]) -> bool:
    """Whether a style was trained with the slim network that comes with the package."""
    network = description.get("loss", {}).get("loss_network", {})
    return bool(network.get("weights") == "slim")


def objective_arguments(loss: dict[str, Any]) -> dict[str, Any]:
    """What of the loss can be chosen when a net's own loss is rebuilt: the weights of VGG-19.

    Raises:
        InputError: something else was chosen.
    """
    others = sorted(set(loss) - {"weights"})
    if others:
        raise InputError(f"refining takes the loss that the net was trained with, not {others[0]}")
    return loss


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
        weights: of VGG-19, as for :class:`~fst.loss_networks.vgg.VGG19`; None is ``"slim"`` for a style that was
            trained with it, and else ``"auto"``.

    Returns:
        The painting, ``(1, 3, H, W)``, or None where only its statistics are at hand; the loss.

    Raises:
        AssetError: the painting or VGG-19 can't be had.
        InputError: a mean of other nets, which was trained for no painting.
    """
    if "loss" not in style.description or "image" not in style.description["style"]:
        raise InputError(f"{style.name} was trained for no painting: there is nothing to judge by")
    about, settings = style.description["style"], dict(style.description["loss"])
    network = settings.pop("loss_network")
    if weights is None:
        weights = "slim" if judged_by_slim(style.description) else "auto"
        if network.get("weights") == "file" and network.get("architecture") == SLIM:
            raise InputError(
                f"{style.name} was trained with another slim network: give its file (--weights)"
            )
    layers = settings.get("style_layers", STYLE_LAYERS)
    target = style_target(painting or about["image"], about["size"], layers, weights)
    loss = PerceptualLoss(
        target, weights=weights, pooling=network["pooling"], dtype=dtype, **settings
    ).to(device)
    return target if isinstance(target, Tensor) else None, loss
