"""The painting of a style and the loss that judges it."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.errors import AssetError, FstWarning, InputError
from fst.image.painting import load_painting, painting_of
from fst.image.picture import Picture
from fst.loss_networks.sources import WEIGHTS
from fst.losses.perceptual import CONTENT_LAYERS, STYLE_LAYERS, TV_WEIGHT, PerceptualLoss
from fst.styles.description import padding_of
from fst.styles.paintings import as_path, find_again, find_painting
from fst.styles.portraits import embedded_portrait
from fst.styles.trained import TrainedStyle
from fst.system.checksum import checksum

STAND_IN = "its texture portrait"
"""What takes a painting's place, in words."""


def style_target(
    image: str | Picture,
    size: int,
    sha256: str | None = None,
    stand_in: bool = False,
    at_least: int | None = None,
    statistic: str = "gram",
) -> Tensor:
    """The painting that a loss compares with; of a shipped one that is missing, its portrait.

    A texture portrait (:mod:`fst.styles.portraits`) has the painting's Gram matrices, for every
    loss network and size: nets that are trained with it are as good (docs/log.md). What the other
    statistics compare is near, too, but its patches are no nearer to the painting's than a photo's.

    Args:
        image: a path, a painting's file name (:func:`~fst.styles.paintings.find_painting`), or
            the painting itself.
        size: its long side in pixels.
        sha256: of the painting's file, where it is known.
        stand_in: take the portrait, though the painting may be there.
        at_least: of a file, as for :func:`~fst.image.painting.open_painting`.
        statistic: of the loss, one of :data:`~fst.choices.STATISTICS`.

    Returns:
        ``(1, 3, H, W)``, RGB in [0, 1]; the portrait with a warning.

    Raises:
        AssetError: neither the painting nor a portrait that will do can be had.
        InputError: it is no painting to learn from (:func:`~fst.image.painting.load_painting`).
    """
    if isinstance(image, Picture):
        return painting_of(image, size)
    try:
        if stand_in:
            raise AssetError(f"no portrait of {image}")
        path = find_painting(image, sha256)
    except AssetError as error:
        if Path(image).name != image:  # a path is the user's own painting, and no other
            raise
        return _portrait(image, size, error, statistic)
    return load_painting(path, size, at_least)


def _portrait(image: str, size: int, missing: AssetError, statistic: str) -> Tensor:
    try:
        portrait = embedded_portrait(image, size)
    except AssetError as error:
        if "comes with fst" not in str(error):  # a shipped portrait that is damaged
            raise
        raise missing from error
    if statistic == "patches":
        raise AssetError(
            f"no {image} among the assets, and {STAND_IN} has other patches: give the painting "
            "(FST_ASSETS, or its path), or take another statistic"
        ) from missing
    warnings.warn(f"no {image} among the assets: {STAND_IN} stands in", FstWarning, stacklevel=3)
    return portrait


def checksum_of(image: str, sha256: str | None = None) -> str | None:
    """The SHA-256 of a painting's file; None where it can't be had."""
    try:
        return checksum(find_again(image, sha256))
    except AssetError:
        return None


SLIM = WEIGHTS["slim"].architecture


def judged_by_slim(description: Mapping[str, Any]) -> bool:
    """Whether a style was trained with the slim network that comes with the package."""
    network = description.get("loss", {}).get("loss_network", {})
    return bool(network.get("weights") == "slim")


def network_of(description: Mapping[str, Any]) -> str | None:
    """The loss network of a style, where it is not told by its weights: VGG-16."""
    network = description.get("loss", {}).get("loss_network", {})
    return "vgg16" if network.get("architecture") == "vgg16" else None


def load_objective(
    style: TrainedStyle,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    painting: str | Picture | None = None,
    weights: str | None = None,
    own_network: bool = True,
) -> tuple[Tensor, PerceptualLoss]:
    """The painting and the loss that a checkpoint was trained with, rebuilt from its description.

    Args:
        style: from :func:`~fst.styles.trained.load_checkpoint`.
        device: for the loss.
        dtype: to run VGG-19 in.
        painting: where the painting is, or itself; None looks for the name in the description.
        weights: of the loss network, as for :class:`~fst.loss_networks.vgg.VGG19`; None is
            ``"slim"`` for a style that was trained with it, and else ``"auto"``.
        own_network: VGG-16 judges a style that was trained with it; else what the weights are of
            judges all styles alike.

    Returns:
        The painting, ``(1, 3, H, W)``, or its portrait; the loss.

    Raises:
        AssetError: the painting or VGG-19 can't be had.
        InputError: a mean of other nets, which was trained for no painting.
    """
    named = style.description["style"].get("image") is not None or isinstance(painting, Picture)
    if "loss" not in style.description or not named:
        raise InputError(f"{style.name} was trained for no painting: there is nothing to judge by")
    about, settings = style.description["style"], dict(style.description["loss"])
    network, statistic = settings.pop("loss_network"), settings.get("statistic", "gram")
    if weights is None:
        weights = "slim" if judged_by_slim(style.description) else "auto"
        if network.get("weights") == "file" and network.get("architecture") == SLIM:
            raise InputError(
                f"{style.name} was trained with another slim network: give its file (--weights)"
            )
    if painting is not None:
        given = as_path(painting) if isinstance(painting, str) else painting
        target = style_target(given, about["size"], statistic=statistic)
    else:
        known = about.get("image_sha256")
        target = style_target(about["image"], about["size"], known, statistic=statistic)
    how = {"pooling": network["pooling"], "padding": padding_of(style.description)}
    if own_network and weights != "slim":  # which may be asked to judge in another's place
        how["network"] = network_of(style.description)
    loss = PerceptualLoss(target, weights=weights, dtype=dtype, **how, **settings)
    return target, loss.to(device)


def usual_loss(style_weight: float) -> dict[str, Any]:
    """What is said of the loss that judges a style whose net no training was for alone.

    Args:
        style_weight: against a content weight of one.

    Returns:
        As :meth:`~fst.losses.perceptual.PerceptualLoss.describe`; no network is known to have
        judged it before.
    """
    return {
        "content_weight": 1.0,
        "style_weight": style_weight,
        "tv_weight": TV_WEIGHT,
        "content_layers": CONTENT_LAYERS,
        "style_layers": STYLE_LAYERS,
        "normalization": "relative",
        "loss_network": {"weights": "auto", "pooling": "max", "sha256": "unknown"},
    }
