"""Texture portraits: a painting's strokes, colors and motifs in another arrangement.

A style loss sees no more of a painting than its Gram matrices. A picture optimized from noise until
its Grams are the painting's can stand in for it wherever only style is compared: with any loss
network, at any style size up to its own, because the Grams are made to agree at several sizes at
once.
``fst portrait monet`` writes ``monet.jpg`` and its figures into ``portraits.json``.

Source: Gatys, Ecker & Bethge 2015, "Texture Synthesis Using Convolutional Neural Networks",
section 3. New here are the several sizes and the second network.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import pooch
import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.image.io import load_image
from fst.image.picture import Picture, resize, resize_tensor, to_pil
from fst.loss_networks.vgg import VGG19
from fst.losses.functional import gram_matrix, style_loss
from fst.losses.perceptual import STYLE_LAYERS, LossTerms, PerceptualLoss
from fst.losses.statistics import StyleStatistics, measure_style
from fst.optimization.pixels import Iterate, optimize
from fst.styles import catalog
from fst.styles.paintings import find_painting
from fst.styles.portraits import read_figures
from fst.system.device import pick_device, pick_precision
from fst.system.files import atomic_file, write_json

NETWORKS = ("caffe", "slim")
"""Who judges, by the names of their weights; both count the same."""

SIZES = (256, 384, 512, 768)
"""Style sizes, long sides in pixels, at which portrait and painting are compared."""

ITERATIONS = {256: 120, 512: 60, 768: 25}
"""Iterations of L-BFGS with the portrait's long side at up to so many pixels, coarse to fine."""


class Level(NamedTuple):
    """A stage: the portrait's long side in pixels, iterations, sizes at which it is compared."""

    side: int
    iterations: int
    sizes: tuple[int, ...]


def sizes_up_to(largest: int) -> tuple[int, ...]:
    """``largest`` and those of :data:`SIZES` below it."""
    return (*(size for size in SIZES if size < largest), largest)


def plan(size: int, effort: float = 1.0) -> list[Level]:
    """The stages to a portrait, coarse to fine.

    Args:
        size: its long side in pixels; also the largest style size that it is made for.
        effort: above 0; multiplies :data:`ITERATIONS`.

    Raises:
        InputError: a size beyond the stages', an effort that is not above 0.
    """
    if not min(ITERATIONS) <= size <= max(ITERATIONS):
        raise InputError(f"a portrait has {min(ITERATIONS)} to {max(ITERATIONS)} px, not {size}")
    if not effort > 0:
        raise InputError(f"effort must be above 0, not {effort}")
    stages = [side for side in sizes_up_to(size) if side in ITERATIONS or side == size]
    return [
        Level(side, round(effort * count), sizes_up_to(side))
        for side, count in zip(stages, ITERATIONS.values(), strict=False)
    ]


def at(picture: Tensor, side: int) -> Tensor:
    """``(N, 3, H, W)`` in [0, 1] with its long side at ``side`` pixels."""
    return resize(Picture(picture), side).rgb


def style_error(network: VGG19, pictures: Tensor, target: StyleStatistics) -> Tensor:
    """How far pictures' Grams are from a painting's: mean of :func:`~fst.losses.style_loss`.

    Args:
        network: the one that ``target`` holds for.
        pictures: ``(N, 3, H, W)``, RGB in [0, 1]; differentiable.
        target: of the painting; its layers are compared.

    Returns:
        ``(N,)``, at least 0; about 1 for a photo.

    Raises:
        InputError: ``target`` holds for another network.
    """
    target.check(network)
    features = network(pictures, target.grams)
    errors = [style_loss(gram_matrix(f), target.grams[layer]) for layer, f in features.items()]
    return torch.stack(errors).mean(0)


class PortraitLoss(nn.Module):
    """The style error at several sizes and by several networks, for :func:`~fst.optimize.optimize`.

    Args:
        painting: ``(1, 3, H, W)``, RGB in [0, 1].
        networks: who judges.
        sizes: long sides in pixels at which painting and picture are compared.
    """

    def __init__(self, painting: Tensor, networks: Iterable[VGG19], sizes: Sequence[int]) -> None:
        super().__init__()
        self.compared = [
            (network, size, measure_style(network, at(painting, size), STYLE_LAYERS))
            for network in networks
            for size in sizes
        ]

    def content_targets(self, photos: Tensor) -> dict[str, Tensor]:
        """Nothing: a portrait shows no photo."""
        return {}

    def forward(self, images: Tensor, targets: Mapping[str, Tensor]) -> LossTerms:
        """Judges ``images``, ``(N, 3, H, W)``, as they will be written: clamped to [0, 1].

        Style is the mean over networks and sizes. In place of the total variation stands the mean
        squared distance of the pixels from [0, 1], which brings them back: beyond it the style
        error does not change.
        """
        inside = images.clamp(0, 1)
        errors = [style_error(net, at(inside, size), target) for net, size, target in self.compared]
        style = torch.stack(errors).mean(0)
        outside = (images - inside).square().flatten(1).mean(1)
        return LossTerms(torch.zeros_like(style), style, outside)


def make_portrait(
    painting: Tensor,
    networks: Sequence[VGG19],
    levels: Sequence[Level],
    seed: int = 0,
    report: Callable[[Level, Iterate], None] = lambda level, iterate: None,
) -> Tensor:
    """Optimizes noise until it has the painting's Grams, coarse to fine.

    Args:
        painting: ``(1, 3, H, W)``, RGB in [0, 1].
        networks: who judges.
        levels: the stages, at least one.
        seed: of the noise. The same seed gives the same portrait on the same machine.
        report: told every iterate.

    Returns:
        ``(1, 3, h, w)`` in [0, 1], of the painting's aspect; its long side is the last level's.

    Raises:
        DivergedError: the objective is no longer finite.
    """
    start: Tensor | str = "noise"
    portrait = painting
    for level in levels:
        shape = at(painting, level.side)  # it gives no more than that
        if isinstance(start, Tensor):
            start = resize_tensor(start, (shape.shape[2], shape.shape[3]))
        loss = cast(PerceptualLoss, PortraitLoss(painting, networks, level.sizes))
        for iterate in optimize(loss, shape, start, iterations=level.iterations, seed=seed):
            report(level, iterate)
            portrait = iterate.image
        start = portrait = portrait.clamp(0, 1)
    return portrait


@torch.no_grad()
def disagreement(painting: Tensor, portrait: Tensor, network: VGG19) -> dict[str, float]:
    """The style error at every one of :data:`SIZES` up to the portrait's own, and there.

    Args:
        painting: ``(1, 3, H, W)``, RGB in [0, 1].
        portrait: ``(1, 3, h, w)``, RGB in [0, 1].
        network: who judges.
    """
    errors = {}
    for size in sizes_up_to(max(portrait.shape[2:])):
        target = measure_style(network, at(painting, size), STYLE_LAYERS)
        errors[str(size)] = round(style_error(network, at(portrait, size), target).item(), 5)
    return errors


def publish(
    folder: Path, style: str, portrait: Tensor, about: dict[str, Any], quality: int
) -> None:
    """Writes ``<style>.jpg``, measures what JPEG left of it, notes both in ``portraits.json``.

    Args:
        folder: of the portraits.
        style: the name of a style file.
        portrait: ``(1, 3, H, W)``, RGB in [0, 1].
        about: how it was made, as plain values.
        quality: of the JPEG file (without chroma subsampling), 1 to 100.

    Raises:
        AssetError: the painting or VGG-19 can't be had.
    """
    painting = load_image(find_painting(catalog.read_style(style)["image"])).rgb
    file = folder / f"{style}.jpg"
    with atomic_file(file) as temporary:
        to_pil(portrait).save(temporary, "JPEG", quality=quality, subsampling=0)
    decoded = load_image(file)
    errors = {w: disagreement(painting, decoded.rgb, VGG19(STYLE_LAYERS, w)) for w in NETWORKS}
    size, digest = max(decoded.size), pooch.file_hash(str(file), alg="sha256")
    figures = {"sha256": digest, "size": size, **about, "quality": quality, "style_error": errors}
    content = dict(sorted({**read_figures(folder), style: figures}.items()))
    write_json(folder / "portraits.json", content)
    print(f"wrote {file}: {file.stat().st_size / 1000:.0f} kB, {errors}", flush=True)


def make(style: str, seed: int, effort: float) -> tuple[Tensor, dict[str, Any]]:
    """A style's portrait, ``(1, 3, H, W)`` in [0, 1], and how it was made.

    As large as the largest of :data:`SIZES` that the scan has, or as the style's own size.

    Raises:
        InputError: an unknown style.
        AssetError: the painting or VGG-19 can't be had.
    """
    described = catalog.read_style(style)
    painting = load_image(find_painting(described["image"])).rgb
    fitting = [size for size in SIZES if size <= max(painting.shape[2:])]
    levels = plan(max([*fitting, described.get("size", 0)]), effort)
    dtype = pick_precision("auto", pick_device("cpu"))
    networks = [VGG19(STYLE_LAYERS, weights, dtype=dtype) for weights in NETWORKS]

    def report(level: Level, iterate: Iterate) -> None:
        if iterate.iteration % 10 == 0:
            error = iterate.terms.style.item()
            print(f"{style} {level.side} px, {iterate.iteration}: {error:.4f}", flush=True)

    iterations = {str(level.side): level.iterations for level in levels}
    portrait = make_portrait(painting, networks, levels, seed, report)
    return portrait, {"painting": described["image"], "seed": seed, "iterations": iterations}
