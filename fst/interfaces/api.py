"""Styles for other programs: ``fst.load("monet")`` paints PIL pictures, arrays and tensors."""

from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import Picture, from_pil, to_pil, upright
from fst.inference.control import Control, Layer, paint
from fst.inference.stylizers import FeedForwardStylizer, Stylizer, make_stylizer
from fst.system.device import pick_device, pick_precision
from fst.system.memory import parse_memory

Photo = TypeVar("Photo", Image.Image, np.ndarray[Any, Any], Tensor)


class Style:
    """A style, ready to paint any number of photos; made by :func:`load`."""

    def __init__(self, stylizer: Stylizer, tiling: Stylizer | None) -> None:
        self.stylizer, self.tiling = stylizer, tiling

    def __call__(
        self,
        photo: Photo,
        strength: float = 1.0,
        preserve_color: str | None = None,
        size: int | None = None,
        upsample: str | None = None,
        mask: str | Path | Image.Image | None = None,
        seamless: bool = False,
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
            seamless: make the result tile the plane.

        Raises:
            InputError: not such a picture, or a value out of its range.
        """
        if seamless and self.tiling is None:
            raise InputError("to tile, a style needs a checkpoint, and no refining")
        stylizer = self.tiling if seamless and self.tiling is not None else self.stylizer
        control = Control(strength, preserve_color, size, upsample, seamless=seamless)
        within = from_pil(mask) if isinstance(mask, Image.Image) else mask
        layers = [Layer(stylizer, Path(within) if isinstance(within, str) else within)]

        def painted(rgb: Tensor) -> Tensor:
            return paint(Picture(rgb), layers, control).rgb

        if isinstance(photo, Image.Image):
            picture = paint(from_pil(upright(photo)), layers, control)
            rgb, alpha = picture.rgb, picture.alpha
            finished = to_pil(rgb if alpha is None else torch.cat([rgb, alpha], 1))
            if picture.icc_profile:
                finished.info["icc_profile"] = picture.icc_profile
            return finished
        if isinstance(photo, np.ndarray):
            if photo.ndim != 3 or photo.shape[2] != 3:
                raise InputError(f"expected an array (H, W, 3), got shape {photo.shape}")
            if photo.dtype.kind not in "fu" or not photo.size:
                raise InputError(f"expected uint8 or float values, not {photo.dtype}")
            native = photo.astype(photo.dtype.newbyteorder("="))
            tensor = torch.from_numpy(native).permute(2, 0, 1)
            result = self._tensor(tensor[None], painted)[0].permute(1, 2, 0)
            return np.ascontiguousarray(result.numpy())
        if not isinstance(photo, Tensor):
            raise InputError(f"expected a PIL picture, array or tensor, not {type(photo).__name__}")
        if photo.dim() not in (3, 4) or photo.shape[-3] != 3 or not photo.numel():
            raise InputError(f"expected a tensor (3, H, W), got shape {tuple(photo.shape)}")
        batch = photo if photo.dim() == 4 else photo[None]
        result = self._tensor(batch.detach().cpu(), painted).to(photo.device)
        return result if photo.dim() == 4 else result[0]

    @staticmethod
    def _tensor(photos: Tensor, painted: Any) -> Tensor:
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
    style: str,
    checkpoints: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    method: str = "auto",
    memory: int | str | None = None,
    backend: str = "auto",
    **settings: Any,
) -> Style:
    """A style to paint with: ``fst.load("monet")(photo)``.

    Args:
        style: the name of a style, the path of a checkpoint or of a painting, or a blend,
            ``"monet=0.7,starry_night=0.3"``.
        checkpoints: the folder of trained styles; None is the current folder's, then the
            package's.
        device: ``"auto"``, ``"cpu"``, ``"cuda"`` ...
        precision: ``"auto"``, ``"fp32"`` or ``"bf16"``.
        method: ``"auto"``, ``"feedforward"`` or ``"optimize"``.
        memory: how many bytes a pass may take, or ``"2GB"``; None takes what is
            free, within limits.
        backend: what runs the net: ``"auto"``, ``"eager"``, ``"compile"``, ``"onnxruntime"`` or
            ``"openvino"``.
        settings: others of :func:`fst.inference.stylizers.make_stylizer`: ``refine``, ``loss`` ...

    Raises:
        FstError: no such style or device; what the message says.
    """
    at = pick_device(device)
    folder = None if checkpoints is None else Path(checkpoints)
    limit = parse_memory(memory) if isinstance(memory, str) else memory
    arguments = {"checkpoints": folder, "memory": limit, "backend": backend, **settings}
    stylizer = make_stylizer(style, method, at, pick_precision(precision, at), **arguments)
    if isinstance(stylizer, FeedForwardStylizer) and stylizer.painter.stages is not None:
        return Style(stylizer, replace(stylizer, circular=True))
    return Style(stylizer, None)
