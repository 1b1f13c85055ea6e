"""ICC profiles: which RGB a picture's numbers are, and the way from other colors to sRGB."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor

CONVERTED = ("CMYK", "LAB", "YCbCr", "HSV")
"""PIL's modes that become sRGB."""


def of_rgb(profile: bytes | None) -> bytes | None:
    """The profile, if it is a whole one of RGB; what else a file carries says nothing of RGB.

    Args:
        profile: as it lies in the file.
    """
    return profile if _space(profile) == "RGB" else None


def _space(profile: bytes | None) -> str:
    """Of which colors a whole profile is; empty where it isn't one."""
    if not profile or len(profile) < int.from_bytes(profile[:4], "big"):  # its own size: cut off
        return ""
    try:
        return str(ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space).strip()
    except (ImageCms.PyCMSError, OSError):
        return ""


def gray_to_srgb(gray: Tensor, profile: bytes | None) -> Tensor:
    """Gray through its profile, if it has one of gray: how bright its numbers are differs.

    Args:
        gray: in [0, 1].
        profile: as it lies in the file.

    Returns:
        The same shape; the very tensor where the profile's curve is sRGB's.
    """
    if profile is None or _space(profile) != "GRAY":
        return gray
    levels = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    try:
        converted = ImageCms.profileToProfile(
            levels,
            ImageCms.ImageCmsProfile(BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
            flags=ImageCms.Flags.NOOPTIMIZE,  # else dark ones are out by up to 10 of 255
        )
    except (ImageCms.PyCMSError, OSError):
        return gray  # a damaged profile
    curve = np.asarray(converted)[0].mean(1)
    if np.abs(curve - np.arange(256)).max() < 1.5:
        return gray
    shown = np.interp(gray.numpy(), np.linspace(0, 1, 256), curve / 255)
    return torch.from_numpy(shown.astype(np.float32))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture of one of :data:`CONVERTED`, through its profile where that is of its colors."""
    if profile and image.mode in ("CMYK", "LAB"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass  # a damaged profile: the plain formula is the best that is left
    return image.convert("RGB")


def rgb_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A picture in RGB, with alpha or without, through its profile, where that is of another RGB.

    Args:
        image: of mode RGB or RGBA.
        profile: as it lies in the file.

    Returns:
        The same mode; the very picture where there is nothing to convert.
    """
    if (profile := of_rgb(profile)) is None:
        return image
    try:
        converted = ImageCms.profileToProfile(
            image, ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB")
        )
    except (ImageCms.PyCMSError, OSError):  # damaged
        return image
    return image if converted is None else converted
