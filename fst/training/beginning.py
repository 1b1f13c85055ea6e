"""The net that a training begins with: random, a trained style's, or one made for the painting."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from fst import assets
from fst.errors import FstWarning, InputError
from fst.losses.perceptual import CONTENT_WEIGHT, STYLE_WEIGHT
from fst.nets import alike, make_net
from fst.nets.johnson import JohnsonNet
from fst.nets.narrow import narrowed
from fst.styles.catalog import load_style
from fst.styles.objective import STAND_IN, style_target
from fst.styles.predicted import ANY, STROKE_SIZES, WEIGHTS, AnyPainting, Asked, load_any
from fst.styles.trained import TrainedStyle
from fst.training.loss_weights import is_calibrated

DIGEST = "init_sha256"
"""In a run's settings: the digest of the any-painting net that made its beginning."""


class Start(NamedTuple):
    """The net that a training begins with, and whose weights these are."""

    net: nn.Module
    init: dict[str, str]


def starting_net(settings: dict[str, Any]) -> Start:
    """The net, with random weights or those of ``init``.

    That is a trained style, a blend of several, or ``any``: what the any-painting net predicts for
    the run's painting. The settings keep that net's digest: a run that is resumed has all weights
    in its checkpoint and needs no any-painting net.

    Args:
        settings: all of a training; the painting has been found (:func:`the_painting`).

    Raises:
        InputError: weights of another net; no any-painting net.
        CheckpointError: a damaged checkpoint, or none of that name.
    """
    configured, init = settings["net"], settings["init"]
    net = make_net(**configured)
    if init is None:
        return Start(net, {})
    if init == ANY or Path(init).name == f"{ANY}.safetensors":
        if DIGEST in settings and settings["resume"] not in (None, "auto"):
            return Start(net, {"init": ANY, DIGEST: settings[DIGEST]})
        maker = any_net(init)
        trained = predicted(maker, settings["style"])
        settings[DIGEST] = maker.trained.digest
        about = {"init": ANY, DIGEST: settings[DIGEST]}
    else:
        trained = load_style(init)
        about = {"init": name_of(init, trained), DIGEST: trained.digest}
    return Start(fitting(trained, net, configured, init), about)


def fitting(
    trained: TrainedStyle, net: nn.Module, configured: Mapping[str, Any], init: str
) -> nn.Module:
    """A trained net as the run's: with its weights, or with those that matter most of a wider one.

    Raises:
        InputError: another kind of net, or one that is narrower.
    """
    its = trained.description["net"]
    wide, width = trained.net, configured["arguments"].get("width")
    if isinstance(wide, JohnsonNet) and isinstance(net, JohnsonNet):
        at_width = {**its, "arguments": {**its["arguments"], "width": width}}
        if net.out.in_channels < wide.out.in_channels and alike(at_width, configured):
            return narrowed(wide, net.out.in_channels)
    if not alike(its, configured):
        raise InputError(
            f"init={init}: its net is {its}, not {configured}; init=null begins at random"
        )
    net.load_state_dict(wide.state_dict())
    return net


def name_of(init: str, trained: TrainedStyle) -> str:
    """What a trained style or a blend is called, without the folders that it lies in."""
    if "=" in init and (shares := trained.description.get("blend")):
        stems = {part: Path(part).name.removesuffix(".safetensors") for part in shares}
        return ",".join(f"{stems[part]}={share}" for part, share in shares.items())
    return Path(init).name.removesuffix(".safetensors")


def any_net(init: str) -> AnyPainting:
    """The any-painting net that ``init`` names, or whose path it is.

    Raises:
        InputError: there is none.
        CheckpointError: it is damaged, or made for another slim network.
    """
    maker = load_any(None if init == ANY else Path(init).parent)
    if maker is None:
        folders = assets.checkpoint_folders() if init == ANY else (Path(init).parent,)
        places = ", ".join(f"{folder}/" for folder in folders)
        raise InputError(
            f"init={init}: no {ANY}.safetensors in {places}: init=base begins with the mean of "
            "five styles"
        )
    return maker


def predicted(maker: AnyPainting, style: Mapping[str, Any]) -> TrainedStyle:
    """The net that the any-painting net makes for a run's painting.

    Args:
        maker: that net.
        style: the run's, with ``image_sha256`` or what stands in for the painting. A size or a
            weight that the any-painting net was not trained with is the nearest that it was; a
            weight that is still to be calibrated is the usual one.
    """
    size = int(_nearest(style["size"], STROKE_SIZES))
    asked = Asked(_nearest(usual_weight(style), WEIGHTS), size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FstWarning)  # said when the painting was found
        stood_in = style.get("painting") == STAND_IN
        painting = style_target(style["image"], size, style.get("image_sha256"), stood_in)
    about = {"name": style["name"], "image": style["image"]}
    return maker.style(maker.embedding(painting, asked), about, asked)


def usual_weight(style: Mapping[str, Any]) -> float:
    """The style weight that is given, against a content weight of one; or else the usual one."""
    if is_calibrated(style):
        return STYLE_WEIGHT
    content, strength = style["content_weight"], style["style_weight"]
    content = CONTENT_WEIGHT if content is None else content
    strength = STYLE_WEIGHT if strength is None else strength
    return float(strength / content) if content else WEIGHTS[1]


def _nearest(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])
