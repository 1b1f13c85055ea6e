"""A decoded picture as tensors; PIL pictures to tensors and back; sizes.

Inside the project a picture is float32 RGB in [0, 1], ``(N, 3, H, W)``. What a file carries besides
(alpha, an ICC profile) travels along in a :class:`Picture`.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms
from torch import Tensor

from fst.choices import MIN_SIDE as MIN_SIDE  # where pictures are, one looks for it
from fst.errors import InputError

_DECODER_ERRORS = (
    OSError,
    RuntimeError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    struct.error,
)
"""What PIL's decoders raise on damaged files."""

GRAY_TAGS = BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262
"""The tags of a TIFF that say what its numbers mean (TIFF 6.0, section 3)."""

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


def from_pil(image: Image.Image, tags: Mapping[int, Any] | None = None) -> Picture:
    """A PIL picture of any mode as a :class:`Picture`. EXIF orientation is the caller's.

    Args:
        image: the picture.
        tags: :data:`GRAY_TAGS` of the TIFF file that it comes from.
    """
    icc_profile: bytes | None = image.info.get("icc_profile")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return Picture(_from_deep_gray(image, tags or {}))
    if image.mode in ("CMYK", "LAB", "YCbCr", "HSV"):
        return Picture(_to_tensor(_to_srgb(image, icc_profile)))
    if image.mode not in ("RGB", "RGBA", "P", "PA"):
        icc_profile = None  # a gray profile says nothing about RGB
    if image.has_transparency_data:
        pixels = _to_tensor(image.convert("RGBA"))
        return Picture(pixels[:, :3].contiguous(), pixels[:, 3:].contiguous(), icc_profile)
    return Picture(_to_tensor(image.convert("RGB")), None, icc_profile)


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
    return replace(
        picture,
        rgb=resize_tensor(picture.rgb, to),
        alpha=None if picture.alpha is None else resize_tensor(picture.alpha, to),
    )


def resize_tensor(image: Tensor, size: tuple[int, int]) -> Tensor:
    """``(N, C, H, W)`` in [0, 1] to ``size`` = (height, width), bicubic and antialiased."""
    if tuple(image.shape[2:]) == size:
        return image
    return F.interpolate(image, size, mode="bicubic", align_corners=False, antialias=True).clamp(
        0, 1
    )


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF orientation says (PIL's own way trips over odd tags)."""
    try:
        orientation = image.getexif().get(0x0112, 1)
    except _DECODER_ERRORS:
        orientation = 1
    if orientation not in _ORIENTATIONS:
        return image
    turned = image.transpose(_ORIENTATIONS[orientation])
    turned.info = image.info
    return turned


def _to_tensor(image: Image.Image) -> Tensor:
    array = np.asarray(image)  # (H, W, C) or (H, W)
    array = array if array.ndim == 3 else array[..., None]
    channels = np.array(array.transpose(2, 0, 1), np.float32, order="C")  # NumPy: see to_pil
    channels /= np.float32(255)
    return torch.from_numpy(channels)[None]


def _from_deep_gray(image: Image.Image, tags: Mapping[int, Any]) -> Tensor:
    """Grayscale of more than 8 bits, or of floats; a TIFF may count from white."""
    array = np.asarray(image).astype(np.float32)
    if not np.isfinite(array).all():
        raise ValueError("a float picture with values that are not finite")
    (bits, *_) = tags.get(BITS_PER_SAMPLE, (16,))
    gray = torch.from_numpy(array).div_(_full_scale(image.mode, bits, float(array.max())))
    gray = gray.clamp_(0, 1)
    if tags.get(PHOTOMETRIC) == 0:  # which PIL heeds for 8 bits only
        gray = 1 - gray
    return gray[None, None].repeat(1, 3, 1, 1)


def _full_scale(mode: str, bits: int, largest: float) -> float:
    """The value that is white: by the number of bits, or where these don't tell, the values.

    A float may be above white by an overshoot, as sharpening and resampling leave it: as long as it
    is not twice as bright, it does not change what the others mean.
    """
    if mode == "F":
        return 1.0 if largest <= 2 else 255.0 if largest <= 510 else 65535.0
    if mode == "I" and bits == 32:
        return 255.0 if largest <= 255 else 65535.0 if largest <= 65535 else 2.0**31 - 1
    return 2.0**bits - 1


def _to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    if icc_profile and image.mode in ("CMYK", "LAB"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(icc_profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile: the plain formula is the best that is left
    return image.convert("RGB")
