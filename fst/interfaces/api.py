"""Styles for other programs: ``fst.load("monet")`` paints PIL pictures, arrays and tensors."""

import errno
import inspect
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fst.errors import InputError
from fst.inference.options import PassOptions, check_names, listed
from fst.inference.pixel_options import (
    OF_PIXELS,
    PixelOptions,
)
from fst.inference.stylizers import FeedForwardStylizer, make_stylizer
from fst.inference.ways import asked_of_painting
from fst.interfaces.conversion import PICTURES, Given, to_path, to_picture
from fst.interfaces.loaded_style import LoadedStyle
from fst.interfaces.own_modes import own_modes
from fst.styles.catalog import find_style
from fst.styles.several import find_optimized
from fst.styles.style import Style
from fst.system.checks import shown
from fst.system.device import pick_device, pick_precision
from fst.system.memory import parse_memory


def load(
    style: str | os.PathLike[str] | Given,
    checkpoints: str | os.PathLike[str] | None = None,
    device: str | torch.device = "auto",
    precision: str = "auto",
    method: str = "auto",
    memory: int | str | None = None,
    backend: str = "auto",
    margin: int | None = None,
    circular: bool = False,
    refine: int = 0,
    loss: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    **pixels: Any,
) -> LoadedStyle:
    """A style to paint with: ``fst.load("monet")(photo)``, ``fst.load("painting.jpg")(photo)``.

    An option that the way of painting has no use for is an error, as on the command line.

    Args:
        style: the name of a style, the path of a checkpoint or of a painting, a painting as a PIL
            picture, array or tensor (as photos are), or a blend, ``"monet=0.7,a.jpg=0.3"``.
        checkpoints: the folder of trained styles; None is the current folder's, the package's ...
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` ..., or a ``torch.device``.
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``.
        method: ``"auto"``, ``"feedforward"`` or ``"optimize"``.
        memory: bytes that a pass may take, or ``"2GB"``; None takes what is free, within limits.
        backend: what runs the net: ``"auto"``, ``"eager"``, ``"compile"``, ``"onnxruntime"`` or
            ``"openvino"``; pictures that tile are painted without it.
        margin: pixels by which a photo goes on beyond its border in a pass; None: the style's.
        circular: every picture is painted to tile the plane, where a call does not say otherwise
            by ``seamless``.
        refine: iterations of the optimization that follow a pass.
        loss: options of the loss in one mapping: ``{"style_weight": 5.0}``.
        settings: options of the optimization in one mapping: ``{"iterations": 200}``.
        pixels: the same by their names, those of :class:`fst.inference.pixel_options.PixelOptions`:
            ``iterations``, ``optimizer``, ``init`` (also a picture, of any size), ``style_size``,
            ``content_weight``, ``style_weight``, ``weights``, ``labels`` and ``style_labels``
            (pictures or files, of the photos that are painted) ... A net that is predicted from a
            painting takes ``style_size`` (or ``stroke_size``, its other name) and ``style_weight``.

    Raises:
        FstError: no such style, device or option; an option of no use; what the message says.
    """
    of_pixels = _pixel_options(loss, settings, pixels)
    at = pick_device(device)
    limit = parse_memory(memory) if isinstance(memory, str) else memory
    of_pass = PassOptions(at, pick_precision(precision, at), limit, backend, margin, circular)
    folder = None if checkpoints is None else Path(to_path(checkpoints, "folder of checkpoints"))
    with own_modes(at):
        meant = style if isinstance(style, PICTURES) else to_path(style, "style")
        chosen = {**of_pass.given(), **of_pixels.given()}
        found = found_style(meant, folder, at, asked_of_painting(method, refine, chosen), method)
        stylizer = make_stylizer(found, method, of_pass, of_pixels, refine)
        if isinstance(stylizer, FeedForwardStylizer) and stylizer.has_stages:
            if stylizer.circular:
                plain = replace(stylizer, circular=False, margin=stylizer.style.margin)
                return LoadedStyle(plain, stylizer, True, found)
            return LoadedStyle(stylizer, replace(stylizer, circular=True), style=found)
    return LoadedStyle(stylizer, None, style=found)


def found_style(
    style: str | Given,
    folder: Path | None,
    device: torch.device,
    asked: Mapping[str, Any] | None,
    method: str,
) -> Style:
    """As :func:`~fst.styles.catalog.find_style`, of a name that may be too long for a file, too."""
    meant = style if isinstance(style, str) else to_picture(style, "painting")
    try:
        if asked is None:
            return find_optimized(meant, folder, device, method)
        return find_style(meant, folder, device, asked)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise InputError(f"no style has such a long name: {shown(style)}") from error


def _pixel_options(*given: Mapping[str, Any] | None) -> PixelOptions:
    """One value of several mappings.

    Raises:
        InputError: an unknown name, one that is there twice, a value that can't be.
    """
    chosen: dict[str, Any] = {}
    for mapping in given:
        if not isinstance(mapping, Mapping | None):
            raise InputError(f"loss and settings map names to values, not {mapping!r}")
        for name, value in (mapping or {}).items():
            check_names([name], OPTIONS)
            name = ALIASES.get(name, name)
            if name in chosen:
                raise InputError(f"the option {name!r} is given twice")
            if name not in OF_PIXELS:
                raise InputError(f"{name} is given to load() itself, not in loss or settings")
            chosen[name] = value
    if isinstance(chosen.get("init"), PICTURES):
        chosen["init"] = to_picture(chosen["init"], "start (init)").rgb
    for name in ("labels", "style_labels"):
        if (value := chosen.get(name)) is not None:
            chosen[name] = [_label_picture(one) for one in listed(value)]
            if not isinstance(value, list | tuple):
                (chosen[name],) = chosen[name]
    return PixelOptions(**chosen)


def _label_picture(given: object) -> object:
    """A label picture as one of ours; classes may be whole numbers of any type. Paths stay."""
    if isinstance(given, np.ndarray) and given.dtype.kind in "iu" and given.size:
        if 0 <= given.min() and given.max() <= 255:
            given = given.astype(np.uint8)
    return to_picture(given, "label picture") if isinstance(given, PICTURES) else given


ALIASES = {"stroke_size": "style_size"}
LOADING = tuple(name for name in inspect.signature(load).parameters if name != "pixels")
OPTIONS = (*OF_PIXELS, *ALIASES, *LOADING)
