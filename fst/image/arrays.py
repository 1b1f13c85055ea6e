"""Arrays and tensors of other programs as pictures, and painted pictures as what those were."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import Picture
from fst.image.transparency import filled

OVERSHOOT = 0.02
"""By how much a float may leave [0, 1], as resampling and half precision make it; it is clipped."""

ARRAYS = "(H, W, 3), gray (H, W), RGBA (H, W, 4) or several (N, H, W, 3)"
TENSORS = "(3, H, W), gray (H, W), RGBA (4, H, W) or several (N, 3, H, W)"
"""What shapes there are, in words."""

_CHANNELS = (1, 3, 4)
_WHITE = {"bool": 1, "uint8": 255, "uint16": 65535}
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def from_array(array: NDArray[Any], what: str = "picture") -> list[Picture]:
    """The pictures of an array: gray becomes RGB, a fourth channel is alpha.

    Args:
        array: ``(H, W)``, ``(H, W, C)`` or ``(N, H, W, C)``, C = 1, 3 or 4; bool, uint8, uint16 or
            any float in [0, 1]; in any memory layout and byte order. It is not changed.
        what: to call it in messages.

    Raises:
        InputError: another shape or type, values that are not finite or out of their range.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise InputError(f"a {what} with masked values: fill them first (filled)")
    shape, (kind, name) = array.shape, (array.dtype.kind, array.dtype.name)
    if kind != "f" and name not in _WHITE:
        raise InputError(
            f"a {what} has bool, uint16, uint8 or float values, not {name}: convert it first"
        )
    if array.ndim not in (2, 3, 4) or (array.ndim > 2 and shape[-1] not in _CHANNELS):
        hint = array.ndim > 2 and shape[-3] in _CHANNELS
        raise _wrong_shape(what, "an array", ARRAYS, shape, "channels come last" if hint else "")
    _check_size(what, shape)
    if kind == "f":
        with np.errstate(all="ignore"):
            _check_range(what, float(array.min()), float(array.max()))
    array = np.asarray(array)  # a matrix has two dimensions, whatever is added
    planes = array[..., None] if array.ndim == 2 else array
    planes = planes if planes.ndim == 4 else planes[None]
    values = np.array(planes.transpose(0, 3, 1, 2), np.float32, order="C")
    if kind != "f":
        values /= np.float32(_WHITE[name])
    return _pictures(torch.from_numpy(values.clip(0, 1, out=values)))


def like_array(pictures: Sequence[Picture], array: NDArray[Any]) -> NDArray[Any]:
    """Painted pictures as an array of the type of the one that :func:`from_array` was given.

    Gray has become RGB and bool, which has no colors, uint8. All else is as it was.
    """
    values = _stacked(pictures).permute(0, 2, 3, 1).numpy()
    dtype = np.dtype(np.uint8) if array.dtype.kind == "b" else array.dtype
    if dtype.kind != "f":
        values = np.rint(values * np.float32(_WHITE[dtype.name]))
    result = np.ascontiguousarray(values.astype(dtype))
    return result if array.ndim == 4 else result[0]


def from_tensor(tensor: Tensor, what: str = "picture") -> list[Picture]:
    """The pictures of a tensor: gray becomes RGB, a fourth channel is alpha.

    Args:
        tensor: ``(H, W)``, ``(C, H, W)`` or ``(N, C, H, W)``, C = 1, 3 or 4; bool, uint8, uint16
            or float in [0, 1]; on any device. It is not changed.
        what: to call it in messages.

    Returns:
        Pictures on the CPU, without a graph.

    Raises:
        InputError: another shape or type, a tensor without plain values (sparse, meta ...), values
            that are not finite or out of their range.
    """
    if unusual := _unusual(tensor):
        raise InputError(f"a {what} is a plain tensor, not a {unusual} one: convert it first")
    shape, name = tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")
    if tensor.dtype not in _FLOATS and name not in _WHITE:
        raise InputError(
            f"a {what} has bool, uint16, uint8 or float values, not {name}: convert it first"
        )
    if tensor.dim() not in (2, 3, 4) or (tensor.dim() > 2 and shape[-3] not in _CHANNELS):
        hint = tensor.dim() > 2 and shape[-1] in _CHANNELS
        raise _wrong_shape(what, "a tensor", TENSORS, shape, "channels come first" if hint else "")
    _check_size(what, shape)
    here = tensor.detach().cpu()
    if here.is_floating_point():
        _check_range(what, *(float(end) for end in here.aminmax()))
    values = here.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    if tensor.dtype not in _FLOATS:
        values /= _WHITE[name]
    planes = values[None] if values.dim() == 2 else values
    return _pictures((planes if planes.dim() == 4 else planes[None]).clamp_(0, 1))


def like_tensor(pictures: Sequence[Picture], tensor: Tensor) -> Tensor:
    """Painted pictures as a tensor of the type, and on the device, of :func:`from_tensor`'s.

    Gray has become RGB and bool, which has no colors, uint8. All else is as it was.
    """
    values = _stacked(pictures)
    dtype = torch.uint8 if tensor.dtype == torch.bool else tensor.dtype
    if not dtype.is_floating_point:
        values = values.mul(_WHITE[str(dtype).removeprefix("torch.")]).round()
    result = values.to(dtype).to(tensor.device)
    return result if tensor.dim() == 4 else result[0]


def _unusual(tensor: Tensor) -> str:
    """What keeps a tensor from being read as numbers in rows; empty where nothing does."""
    if tensor.is_meta:
        return "meta"
    if tensor.is_nested:
        return "nested"
    if tensor.is_quantized:
        return "quantized"
    if tensor.layout != torch.strided:
        return str(tensor.layout).removeprefix("torch.").lstrip("_")
    try:
        tensor.data_ptr()
    except RuntimeError:  # what torch.vmap and others hand to a function that they look into
        return "wrapped"
    return ""


def _wrong_shape(what: str, kind: str, known: str, shape: tuple[int, ...], hint: str) -> InputError:
    more = f": {hint}" if hint else ""
    return InputError(f"expected a {what} as {kind} {known}, got shape {tuple(shape)}{more}")


def _check_size(what: str, shape: tuple[int, ...]) -> None:
    if 0 in shape:
        raise InputError(f"a {what} without pixels: its shape is {tuple(shape)}")


def _check_range(what: str, least: float, most: float) -> None:
    """That floats lie in [0, 1], or beside it by no more than rounding and resampling."""
    if not np.isfinite([least, most]).all():
        raise InputError(f"a float {what} has values in [0, 1], not NaN or infinity")
    if least < -OVERSHOOT or most > 1 + OVERSHOOT:
        hint = "divide by 255" if least >= 0 and 2 < most <= 255 else "scale or clip them"
        raise InputError(
            f"a float {what} has values in [0, 1], not from {least:.4g} to {most:.4g}: {hint} first"
        )


def _pictures(planes: Tensor) -> list[Picture]:
    """Of ``(N, C, H, W)`` in [0, 1]."""
    found = []
    for picture in torch.split(planes, 1):
        rgb = picture[:, :3] if picture.shape[1] > 1 else picture.expand(-1, 3, -1, -1)
        alpha = picture[:, 3:].contiguous() if picture.shape[1] == 4 else None
        rgb = rgb.contiguous()
        found.append(Picture(rgb if alpha is None else filled(rgb, alpha), alpha))
    return found


def _stacked(pictures: Sequence[Picture]) -> Tensor:
    """``(N, C, H, W)`` in [0, 1], of pictures of one size; alpha is the fourth channel."""
    planes = [
        picture.rgb if picture.alpha is None else torch.cat([picture.rgb, picture.alpha], 1)
        for picture in pictures
    ]
    return torch.cat(planes).float().clamp(0, 1)
