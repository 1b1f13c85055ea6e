"""Styles for other programs: ``fst.load("monet")`` paints PIL pictures, arrays and tensors."""

import errno
import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fst.choices import FEATHER, MARGIN
from fst.errors import InputError
from fst.inference.control import Control, Layer, paint
from fst.inference.masks import Mask, read_mask
from fst.inference.options import OF_PIXELS, PassOptions, PixelOptions, check_names
from fst.inference.stylizers import FeedForwardStylizer, Stylizer, make_stylizer
from fst.inference.ways import asked_of_painting
from fst.interfaces.conversion import (
    PICTURES,
    from_pictures,
    to_path,
    to_picture,
    to_pictures,
)
from fst.styles.catalog import find_style, is_blend
from fst.styles.style import Style
from fst.system.checks import shown
from fst.system.device import pick_device, pick_precision
from fst.system.memory import is_out_of_memory, parse_memory

Photo = TypeVar("Photo", Image.Image, np.ndarray[Any, Any], Tensor)
Given = Image.Image | np.ndarray[Any, Any] | Tensor
MaskPicture = str | os.PathLike[str] | Given


class LoadedStyle:
    """A style, ready to paint any number of photos, in any number of threads.

    Made by :func:`load`.
    """

    def __init__(self, stylizer: Stylizer, tiling: Stylizer | None, seamless: bool = False) -> None:
        self.stylizer, self.tiling, self.seamless = stylizer, tiling, seamless

    def __call__(
        self,
        photo: Photo,
        strength: float = 1.0,
        preserve_color: str | None = None,
        size: int | None = None,
        upsample: str | None = None,
        mask: MaskPicture | None = None,
        seamless: bool | None = None,
        feather: float | None = None,
        **others: Any,
    ) -> Photo:
        """The photo in this style; what comes back is of the kind and type that was given.

        Args:
            photo: a PIL picture (turned upright; alpha and profile are kept, other modes become
                RGB); an array as for :func:`~fst.image.arrays.from_array`; or a tensor as for
                :func:`~fst.image.arrays.from_tensor`. Gray becomes RGB.
            strength: from 0, the photo, to 1.
            preserve_color: ``"luma"``, ``"lab"`` or ``"histogram"``, as for
                :func:`fst.image.color.preserve_color`.
            size: long side in pixels to paint at, and of the result where ``upsample`` is None.
            upsample: ``"guided"`` or ``"bicubic"``: back to the photo's size.
            mask: a picture, array or tensor, or a picture's file, white where the style is painted.
            seamless: make the result tile the plane; None is what :func:`load` was told by
                ``circular``.
            feather: blurs the mask's edges, as a share of the picture's long side; None is
                :data:`fst.choices.FEATHER`.
            others: nothing; a name that is no option is told with those that come close.

        Raises:
            InputError: not such a picture, a value out of its range, an option that is none or is
                of no use.
        """
        check_names(others, CALL_OPTIONS)
        if feather is not None and mask is None:
            raise InputError("feather is of no use without a mask")
        seamless = self.seamless if seamless is None else seamless
        blur = FEATHER if feather is None else feather
        control = Control(strength, preserve_color, size, upsample, blur, seamless)
        if control.seamless and self.tiling is None:
            raise InputError(
                "to tile (seamless), a style needs a checkpoint whose net says its stages, and no "
                "refining"
            )
        stylizer = self.tiling if self.tiling and control.seamless else self.stylizer
        with _own_modes(stylizer.device), _in_memory():
            given = to_pictures(photo, "photo")
            layers = [Layer(stylizer, _mask(mask))]
            result: Photo = from_pictures(
                [paint(picture, layers, control) for picture in given], photo
            )
        return result


def _mask(mask: object) -> Mask | None:
    """Read once, for all pictures of a batch."""
    if mask is None:
        return None
    if isinstance(mask, str | os.PathLike):
        return read_mask(Path(to_path(mask, "mask")))
    masks = to_pictures(mask, "mask")
    if len(masks) > 1:
        raise InputError(f"one mask for all pictures of a batch, not {len(masks)}")
    return read_mask(masks[0])


@contextmanager
def _own_modes(device: torch.device) -> Iterator[None]:
    """Whatever modes of torch's the caller is in, a picture is painted alike.

    Otherwise ``no_grad`` and ``inference_mode`` would end an optimization, ``autocast`` would
    change the precision that was asked for, and a default device would get half of the numbers.
    """
    elsewhere = torch.get_default_device().type != "cpu"
    with (
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast(device.type, enabled=False),
        torch.device("cpu") if elsewhere else nullcontext(),
    ):
        yield


@contextmanager
def _in_memory() -> Iterator[None]:
    """Says in a line that memory is exhausted."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, RuntimeError) and not is_out_of_memory(error):
            raise
        raise InputError("out of memory: try a smaller size or memory") from error


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
        margin: pixels by which a photo goes on beyond its border in a pass, for full strokes there.
        circular: every picture is painted to tile the plane, where a call does not say otherwise
            by ``seamless``.
        refine: iterations of the optimization that follow a pass.
        loss: options of the loss in one mapping: ``{"style_weight": 5.0}``.
        settings: options of the optimization in one mapping: ``{"iterations": 200}``.
        pixels: the same by their names, those of :class:`fst.inference.options.PixelOptions`:
            ``preset``, ``iterations``, ``optimizer``, ``learning_rate``, ``init``, ``seed``,
            ``style_size``, ``content_weight``, ``style_weight``, ``tv_weight``, ``pooling``,
            ``weights`` ... A net that is predicted from a painting takes ``style_size`` (or
            ``stroke_size``, its other name) and ``style_weight``.

    Raises:
        FstError: no such style, device or option; an option of no use; what the message says.
    """
    of_pixels = _pixel_options(loss, settings, pixels)
    at = pick_device(device)
    limit = parse_memory(memory) if isinstance(memory, str) else memory
    of_pass = PassOptions(at, pick_precision(precision, at), limit, backend, margin, circular)
    folder = None if checkpoints is None else Path(to_path(checkpoints, "folder of checkpoints"))
    with _own_modes(at):
        meant = style if isinstance(style, PICTURES) else to_path(style, "style")
        chosen = {**of_pass.given(), **of_pixels.given()}
        found = _found(meant, folder, at, asked_of_painting(method, refine, chosen))
        stylizer = make_stylizer(found, method, of_pass, of_pixels, refine)
        if isinstance(stylizer, FeedForwardStylizer) and stylizer.has_stages:
            if stylizer.circular:
                plain = replace(stylizer, circular=False, margin=MARGIN)
                return LoadedStyle(plain, stylizer, seamless=True)
            return LoadedStyle(stylizer, replace(stylizer, circular=True))
    return LoadedStyle(stylizer, None)


def _found(
    style: str | Given, folder: Path | None, device: torch.device, asked: Mapping[str, Any] | None
) -> Style:
    """As :func:`~fst.styles.catalog.find_style`, of a name that may be too long for a file, too."""
    if not isinstance(style, str):
        return find_style(to_picture(style, "painting"), folder, device, asked)
    try:
        return find_style(style, folder, device, asked or {} if is_blend(style) else asked)
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
    return PixelOptions(**chosen)


CALL_OPTIONS = tuple(
    name
    for name in inspect.signature(LoadedStyle.__call__).parameters
    if name not in ("self", "photo", "others")
)
ALIASES = {"stroke_size": "style_size"}
LOADING = tuple(name for name in inspect.signature(load).parameters if name != "pixels")
OPTIONS = (*OF_PIXELS, *ALIASES, *LOADING)
