"""Styles for other programs: ``fst.load("monet")`` paints PIL pictures, arrays and tensors."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fst.choices import MARGIN
from fst.errors import InputError
from fst.image.picture import Picture, from_pil, to_pil, upright
from fst.inference.control import Control, Layer, paint
from fst.inference.masks import Mask, read_mask
from fst.inference.options import OF_PIXELS, PassOptions, PixelOptions, check_names
from fst.inference.stylizers import FeedForwardStylizer, Stylizer, make_stylizer
from fst.styles.catalog import find_style
from fst.system.device import pick_device, pick_precision
from fst.system.memory import parse_memory

Photo = TypeVar("Photo", Image.Image, np.ndarray[Any, Any], Tensor)


class LoadedStyle:
    """A style, ready to paint any number of photos; made by :func:`load`."""

    def __init__(self, stylizer: Stylizer, tiling: Stylizer | None, seamless: bool = False) -> None:
        self.stylizer, self.tiling, self.seamless = stylizer, tiling, seamless

    def __call__(
        self,
        photo: Photo,
        strength: float = 1.0,
        preserve_color: str | None = None,
        size: int | None = None,
        upsample: str | None = None,
        mask: str | Path | Image.Image | None = None,
        seamless: bool | None = None,
    ) -> Photo:
        """The photo in this style; what comes back is of the kind, shape and type that was given.

        Args:
            photo: a PIL picture (turned upright; alpha and profile are kept, other modes become
                RGB); an array ``(H, W, 3)``, or
                a tensor ``(3, H, W)`` or ``(N, 3, H, W)``: RGB, uint8, or float in [0, 1].
            strength: from 0, the photo, to 1.
            preserve_color: ``"luma"``, ``"lab"`` or ``"histogram"``, as for
                :func:`fst.image.color.preserve_color`.
            size: long side in pixels to paint at, and of the result where ``upsample`` is None.
            upsample: ``"guided"`` or ``"bicubic"``: back to the photo's size.
            mask: a picture or its file, white where the style is painted.
            seamless: make the result tile the plane; None is what :func:`load` was told by
                ``circular``.

        Raises:
            InputError: not such a picture, or a value out of its range.
        """
        seamless = self.seamless if seamless is None else seamless
        if seamless and self.tiling is None:
            raise InputError("to tile, a style needs a checkpoint, and no refining")
        stylizer = self.tiling if seamless and self.tiling is not None else self.stylizer
        control = Control(strength, preserve_color, size, upsample, seamless=seamless)
        layers = [Layer(stylizer, _mask(mask))]

        def painted(rgb: Tensor) -> Tensor:
            return paint(Picture(rgb), layers, control).rgb

        if isinstance(photo, Image.Image):
            return _paint_pil(photo, lambda picture: paint(picture, layers, control))
        if isinstance(photo, np.ndarray):
            return _paint_array(photo, painted)
        if not isinstance(photo, Tensor):
            raise InputError(f"expected a PIL picture, array or tensor, not {type(photo).__name__}")
        if photo.dim() not in (3, 4) or photo.shape[-3] != 3 or not photo.numel():
            raise InputError(f"expected a tensor (3, H, W), got shape {tuple(photo.shape)}")
        batch = photo if photo.dim() == 4 else photo[None]
        result = _paint_tensor(batch.detach().cpu(), painted).to(photo.device)
        return result if photo.dim() == 4 else result[0]


def _mask(mask: object) -> Mask | None:
    """Read once, for all pictures of a batch."""
    if mask is None:
        return None
    if isinstance(mask, Image.Image):
        return read_mask(from_pil(upright(mask)))
    if isinstance(mask, str | Path):
        return read_mask(mask)
    raise InputError(f"a mask is a PIL picture or the path of one, not {type(mask).__name__}")


def _paint_pil(photo: Image.Image, painted: Callable[[Picture], Picture]) -> Image.Image:
    picture = painted(from_pil(upright(photo)))
    rgb, alpha = picture.rgb, picture.alpha
    finished = to_pil(rgb if alpha is None else torch.cat([rgb, alpha], 1))
    if picture.icc_profile:
        finished.info["icc_profile"] = picture.icc_profile
    return finished


def _paint_array(
    photo: np.ndarray[Any, Any], painted: Callable[[Tensor], Tensor]
) -> np.ndarray[Any, Any]:
    if photo.ndim != 3 or photo.shape[2] != 3:
        raise InputError(f"expected an array (H, W, 3), got shape {photo.shape}")
    if not photo.size:
        raise InputError(f"an array without pixels: its shape is {photo.shape}")
    if photo.dtype.kind not in "fu":
        raise InputError(f"expected uint8 or float values, not {photo.dtype}")
    native = photo.astype(photo.dtype.newbyteorder("="))
    tensor = torch.from_numpy(native).permute(2, 0, 1)
    result = _paint_tensor(tensor[None], painted)[0].permute(1, 2, 0)
    return np.ascontiguousarray(result.numpy())


def _paint_tensor(photos: Tensor, painted: Callable[[Tensor], Tensor]) -> Tensor:
    if photos.dtype == torch.uint8:
        floats = photos.float() / 255
    elif photos.is_floating_point():
        floats = photos.float()
        if not (bool(torch.isfinite(floats).all()) and 0 <= floats.min() <= floats.max() <= 1):
            raise InputError("a float picture has values in [0, 1]; divide by 255 first")
    else:
        raise InputError(f"expected uint8 or float values, not {photos.dtype}")
    result = torch.cat([painted(photo) for photo in torch.split(floats.contiguous(), 1)])
    if photos.dtype == torch.uint8:
        return result.mul(255).round().byte()
    return result.to(photos.dtype)


def load(
    style: str | Path,
    checkpoints: str | Path | None = None,
    device: str = "auto",
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
    """A style to paint with: ``fst.load("monet")(photo)``.

    An option that the way of painting has no use for is an error, as on the command line.

    Args:
        style: the name of a style, the path of a checkpoint or of a painting, or a blend,
            ``"monet=0.7,starry_night=0.3"``.
        checkpoints: the folder of trained styles; None is the current folder's, then the
            package's.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` ...
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``.
        method: ``"auto"``, ``"feedforward"`` or ``"optimize"``.
        memory: how many bytes a pass may take, or ``"2GB"``; None takes what is free, within
            limits.
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
            ``weights`` ...

    Raises:
        FstError: no such style, device or option; an option of no use; what the message says.
    """
    of_pixels = _pixel_options(loss, settings, pixels)
    at = pick_device(device)
    dtype = pick_precision(precision, at)
    limit = parse_memory(memory) if isinstance(memory, str) else memory
    of_pass = PassOptions(at, dtype, limit, backend, margin, circular)
    if not isinstance(style, str | Path):
        raise InputError(f"a style is a name or a path, not {type(style).__name__}")
    found = find_style(str(style), None if checkpoints is None else Path(checkpoints), at)
    stylizer = make_stylizer(found, method, of_pass, of_pixels, refine)
    if isinstance(stylizer, FeedForwardStylizer) and stylizer.painter.stages is not None:
        if stylizer.circular:
            plain = replace(stylizer, circular=False, margin=MARGIN)
            return LoadedStyle(plain, stylizer, seamless=True)
        return LoadedStyle(stylizer, replace(stylizer, circular=True))
    return LoadedStyle(stylizer, None)


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
            if name in chosen:
                raise InputError(f"the option {name!r} is given twice")
            if name not in OF_PIXELS:
                raise InputError(f"{name} is given to load() itself, not in loss or settings")
            chosen[name] = value
    return PixelOptions(**chosen)


OPTIONS = (*OF_PIXELS, *(name for name in inspect.signature(load).parameters if name != "pixels"))
