"""The front door: a photo and a style in, a painted picture out.

A style that has a checkpoint is painted in one pass; one that has only a painting is optimized.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst import assets
from fst.checkpoint import TrainedStyle, load_checkpoint
from fst.errors import AssetError, CheckpointError, FstError, InputError
from fst.feedforward import feedforward
from fst.image import (
    FORMATS,
    MAX_PIXELS,
    check_output,
    check_writable,
    load_image,
    resize,
    save_image,
)
from fst.optimize import PRESETS, Iterate, optimize
from fst.perceptual import PerceptualLoss

METHODS = ("auto", "feedforward", "optimize")

OnIterate = Callable[[Iterate], None]
"""What the caller does with each iterate of an optimization: progress, snapshots, stopping."""


def resolve_style(style: str, checkpoints: Path = assets.CHECKPOINTS) -> tuple[Path | None, str]:
    """The style's checkpoint, or None, and its name.

    Args:
        style: the name of a style, or the path of a checkpoint or of a painting.
        checkpoints: the folder of finished styles.

    Raises:
        CheckpointError: a path that is a pickle or no checkpoint.
        InputError: neither a checkpoint nor a painting has this name; names those there are.
    """
    path = Path(style)
    if path.suffix in (".safetensors", ".pth", ".pt", ".ckpt", ".model", ".bin"):
        return path, load_checkpoint(path).name
    if path.suffix.lower() in assets.IMAGE_SUFFIXES and path.is_file():
        return None, path.stem
    trained = checkpoints / f"{style}.safetensors"
    if trained.is_file():
        return trained, style
    if style in assets.style_names():
        return None, style
    try:
        return None, assets.find("styles", style).stem
    except AssetError:
        known = ", ".join(sorted(path.stem for path in checkpoints.glob("*.safetensors")))
        raise InputError(
            f"no style {style!r}: checkpoints in {checkpoints}/: {known or 'none'}; "
            f"paintings to optimize for: {', '.join(assets.style_names())}; "
            "or give the path of a checkpoint or of a painting"
        ) from None


def load_painting(style: str, size: int | None = None) -> tuple[Tensor, dict[str, Any]]:
    """A style's painting ``(1, 3, H, W)`` and the loss weights that its style file sets.

    Args:
        style: the name of a style file, or the path or name of a painting.
        size: long side in pixels; None takes the style file's, or else 512.

    Raises:
        AssetError: the painting can't be had.
    """
    about: dict[str, Any] = {"image": style}
    if style in assets.style_names():
        about = assets.read_style(style)
    picture = load_image(assets.find("styles", about["image"]))
    weights = {key: value for key, value in about.items() if key.endswith("_weight")}
    return resize(picture, size or about.get("size", 512)).rgb, weights


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
    checkpoints: Path = assets.CHECKPOINTS,
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
        checkpoints: the folder of finished styles.
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
            f"no checkpoint for {name!r} in {checkpoints}/: train one with scripts/train.py "
            f"style={name}, or use --method optimize"
        )
    painting, weights = load_painting(name if path is not None else style, style_size)
    chosen = PRESETS[preset]
    if preset != "gatys":
        weights = {}  # the preset's own balance
    arguments = {**weights, **chosen.loss, **(loss or {})}
    objective = PerceptualLoss(painting, dtype=dtype, **arguments).to(device)
    return OptimizingStylizer(objective, device, {**chosen.optimize, **(settings or {})})


@dataclass(frozen=True)
class Job:
    """One photo and where its painted picture goes."""

    source: Path
    target: Path


def plan(inputs: Sequence[Path], output: Path | None, style_name: str) -> list[Job]:
    """Pairs photos with the files to write; folders are walked, their structure kept.

    Args:
        inputs: photos and folders of photos.
        output: one photo: a file name, or a folder. Several photos or a folder: a folder, which is
            made. None: beside a single photo, as ``<photo>-<style>.<suffix>``.
        style_name: for that name.

    Raises:
        InputError: a photo that isn't there, an empty folder, an output that can't be written.
    """
    pairs: list[tuple[Path, Path]] = []  # photo, and its name below the output folder
    for path in inputs:
        if path.is_dir():
            pairs += [(photo, photo.relative_to(path)) for photo in assets.list_images(path)]
        elif path.exists():
            pairs.append((path, Path(path.name)))
        else:
            raise InputError(f"{path}: no such file")
    single = len(inputs) == 1 and not inputs[0].is_dir()
    if single and output is not None and output.suffix and not output.is_dir():
        return [Job(pairs[0][0], check_output(output))]
    if output is None and not single:
        raise InputError("several photos: name a folder for the results with --output")
    jobs = []
    for photo, name in pairs:
        suffix = name.suffix if name.suffix.lower() in FORMATS else ".png"
        if output is None:
            target = photo.with_name(f"{photo.stem}-{style_name}{suffix}")
        else:
            target = output / name.with_suffix(suffix)
        jobs.append(Job(photo, target))
    twice = {job.target for job in jobs if [j.target for j in jobs].count(job.target) > 1}
    if twice:
        raise InputError(f"two photos would be written to {min(twice)}: stylize them one by one")
    for job in jobs:
        if job.target.resolve() == job.source.resolve():
            raise InputError(f"{job.source} would be replaced by its result: give another --output")
    for folder in sorted({job.target.parent for job in jobs}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make the folder {folder}: {error.strerror}") from error
        check_writable(folder)
    return [Job(job.source, check_output(job.target)) for job in jobs]


@dataclass(frozen=True)
class Outcome:
    """What became of one job: ``error`` is None where the picture was written."""

    job: Job
    error: str | None = None


def run(
    jobs: Sequence[Job],
    stylizer: Stylizer,
    size: int | None = None,
    max_pixels: int = MAX_PIXELS,
    quality: int = 95,
    on_iterate: Callable[[Job, Iterate], None] | None = None,
) -> Iterator[Outcome]:
    """Stylizes photo by photo; one that fails is reported, and the rest continue.

    Args:
        jobs: from :func:`plan`.
        stylizer: from :func:`make_stylizer`.
        size: work and write at this long side, in pixels; None keeps the photo's.
        max_pixels: refuse larger photos.
        quality: of JPEG and WebP.
        on_iterate: sees every iterate of an optimization.
    """
    for job in jobs:
        try:
            picture = load_image(job.source, max_pixels)
            if size is not None:
                picture = resize(picture, size)
            watch = None if on_iterate is None else _bind(on_iterate, job)
            painted = replace(picture, rgb=stylizer(picture.rgb, watch))
            save_image(job.target, painted, quality)
        except FstError as error:
            yield Outcome(job, str(error))
        except OSError as error:
            yield Outcome(job, f"{job.target}: {error.strerror or error}")
        except RuntimeError as error:
            if "memory" not in str(error).lower():
                raise
            yield Outcome(job, f"{job.source}: out of memory; try a smaller --size")
        else:
            yield Outcome(job)


def _bind(on_iterate: Callable[[Job, Iterate], None], job: Job) -> OnIterate:
    return lambda iterate: on_iterate(job, iterate)


def load_objective(
    style: TrainedStyle,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    painting: str | None = None,
    weights: str = "auto",
) -> tuple[Tensor, PerceptualLoss]:
    """The painting and the loss that a checkpoint was trained with, rebuilt from its description.

    Args:
        style: from :func:`~fst.checkpoint.load_checkpoint`.
        device: for the loss.
        dtype: to run VGG-19 in.
        painting: where the painting is; None looks for the name in the description.
        weights: of VGG-19, as for :class:`~fst.vgg.VGG19`.

    Raises:
        AssetError: the painting or VGG-19 can't be had.
    """
    about, settings = style.description["style"], dict(style.description["loss"])
    pooling = settings.pop("loss_network")["pooling"]
    path = assets.find("styles", painting or about["image"])
    image = resize(load_image(path), about["size"]).rgb
    return image, PerceptualLoss(
        image, weights=weights, pooling=pooling, dtype=dtype, **settings
    ).to(device)
