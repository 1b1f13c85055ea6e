"""A decoded picture as tensors; PIL pictures to tensors and back; sizes.

Inside the project a picture is float32 RGB in [0, 1], ``(N, 3, H, W)``. What a file carries besides
(alpha, an ICC profile) travels along in a :class:`Picture`.
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from fst.choices import MIN_SIDE as MIN_SIDE  # where pictures are, one looks for it
from fst.errors import InputError
from fst.image.numbers import BITS_PER_SAMPLE, is_deep, read_deep_gray, say_if_dark
from fst.image.profiles import CONVERTED, gray_to_srgb, of_rgb, to_srgb
from fst.image.transparency import HIDDEN, filled

_DECODER_ERRORS = (
    *(OSError, RuntimeError, SyntaxError, ValueError, TypeError, EOFError, struct.error),
    *(LookupError, AttributeError, ArithmeticError, AssertionError, zlib.error),
)
"""What PIL's decoders raise on damaged files."""

_ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF tag 0x0112 -> what brings the picture upright."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture: ``rgb (1, 3, H, W)`` and ``alpha (1, 1, H, W)`` in [0, 1].

    ``icc_profile`` says which RGB the numbers are, as the file did; None means sRGB. ``exif`` is
    what the camera noted, ``location`` where that was (EXIF tag -> value), and ``dpi`` how large to
    print it, across and down.
    """

    rgb: Tensor
    alpha: Tensor | None = None
    icc_profile: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None
    location: Mapping[int, Any] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, PIL's order."""
        return self.rgb.shape[3], self.rgb.shape[2]


def from_pil(
    image: Image.Image, tags: Mapping[int, Any] | None = None, name: str = "the picture"
) -> Picture:
    """A PIL picture of any mode as a :class:`Picture`. EXIF orientation is the caller's.

    What is hidden under transparency is replaced (:func:`~fst.image.transparency.filled`).

    Args:
        image: the picture.
        tags: :data:`~fst.image.numbers.GRAY_TAGS` of the TIFF file that it comes from.
        name: what to call it in messages.

    Raises:
        InputError: it can't be decoded, or it isn't known what its numbers mean.
    """
    try:
        return _from_pil(image, tags or {}, name)
    except InputError:
        raise
    except _DECODER_ERRORS as error:
        raise InputError(f"{name} can't be decoded: {reason(error)}") from error


def reason(error: Exception) -> str:
    """What a decoder says of a damaged file, in one line of a sensible length."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def _from_pil(image: Image.Image, tags: Mapping[int, Any], name: str) -> Picture:
    alpha: Tensor | None = None
    profile, icc_profile = image.info.get("icc_profile"), None
    if is_deep(image, tags):
        gray, alpha = read_deep_gray(image, tags, name)
        rgb = gray_to_srgb(gray, profile).repeat(1, 3, 1, 1)
    elif image.mode in CONVERTED:
        rgb = _to_tensor(to_srgb(image, profile))
    else:
        if image.mode in ("RGB", "RGBA", "P", "PA"):
            icc_profile = of_rgb(profile)
        is_gray = image.mode in ("L", "LA", "La")
        if image.mode in ("La", "RGBa"):  # multiplied by alpha
            image = image.convert(image.mode.upper())
        mode = "RGBA" if image.has_transparency_data else "RGB"
        image = image if image.mode == mode else image.convert(mode)
        if mode == "RGBA":
            alpha = _to_tensor(image.getchannel("A"))
        rgb = _to_tensor(image)
        rgb = gray_to_srgb(rgb, profile) if is_gray else rgb
        if BITS_PER_SAMPLE in tags and tags[BITS_PER_SAMPLE][0] == 16:  # PIL keeps the upper 8
            say_if_dark(float(rgb.max()) * 255 * 256, name)
    if alpha is not None:
        rgb = filled(rgb, alpha)
    return Picture(rgb, alpha, icc_profile)


def to_pil(image: Tensor) -> Image.Image:
    """Quantizes ``(1, C, H, W)`` in [0, 1] to 8 bits: C = 1, 3 or 4 gives modes L, RGB, RGBA."""
    if image.dim() != 4 or len(image) != 1:
        raise InputError(f"expected one picture (1, C, H, W), got shape {tuple(image.shape)}")
    # NumPy, because torch would split this little over threads, which gets in the way of a net that
    # runs meanwhile
    channels = image[0].detach().float().cpu().numpy()
    array = np.empty((*channels.shape[1:], len(channels)), np.uint8)
    for place, channel in enumerate(channels):
        array[..., place] = np.rint(np.clip(channel, 0, 1) * np.float32(255))
    return Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array)


def resize(picture: Picture, long_side: int) -> Picture:
    """The picture with its longer side at ``long_side`` pixels (bicubic, antialiased)."""
    width, height = picture.size
    scale = long_side / max(width, height)
    to = (max(1, round(height * scale)), max(1, round(width * scale)))
    rgb = resize_tensor(picture.rgb, to)
    if picture.alpha is None or rgb is picture.rgb:
        return replace(picture, rgb=rgb)
    alpha = _interpolate(picture.alpha, to)
    if bool((picture.alpha < 1).any()):
        # a color counts as much as it is seen; where that is next to nothing, as any other
        seen = _interpolate(picture.rgb * picture.alpha, to).div_(alpha.clamp_min(HIDDEN))
        rgb = torch.lerp(rgb, seen.clamp_(0, 1), (4 * alpha).clamp_(0, 1))
    return replace(picture, rgb=rgb, alpha=alpha.clamp_(0, 1))


def resize_tensor(image: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, C, H, W)`` in [0, 1] to ``size`` = (height, width), bicubic and antialiased."""
    if tuple(image.shape[2:]) == size:
        return image
    return _interpolate(image, size).clamp_(0, 1)


def _interpolate(image: Tensor, size: tuple[int, int]) -> Tensor:
    """A new tensor, with bicubic's overshoots."""
    return F.interpolate(image, size, mode="bicubic", align_corners=False, antialias=True)


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF orientation says (PIL's own way trips over odd tags).

    Raises:
        InputError: it can't be decoded.
    """
    try:
        orientation = image.getexif().get(0x0112, 1)
    except _DECODER_ERRORS:
        orientation = 1
    if orientation not in _ORIENTATIONS:
        return image
    try:
        turned = image.transpose(_ORIENTATIONS[orientation])
    except _DECODER_ERRORS as error:
        raise InputError(f"the picture can't be decoded: {reason(error)}") from error
    turned.info = image.info
    return turned


def _to_tensor(image: Image.Image) -> Tensor:
    """``(1, 3, H, W)``, or ``(1, 1, H, W)`` of a picture of one channel; without alpha."""
    array = np.asarray(image)  # (H, W, C) or (H, W)
    array = array[..., :3] if array.ndim == 3 else array[..., None]
    channels = np.array(array.transpose(2, 0, 1), np.float32, order="C")  # NumPy: see to_pil
    channels /= np.float32(255)
    return torch.from_numpy(channels)[None]
