"""ICC profiles: which RGB a picture's numbers are, and the way from other colors to sRGB."""

from io import BytesIO

from PIL import Image, ImageCms

CONVERTED = ("CMYK", "LAB", "YCbCr", "HSV")
"""PIL's modes that become sRGB."""


def of_rgb(profile: bytes | None) -> bytes | None:
    """The profile, if it is a whole one of RGB; what else a file carries says nothing of RGB.

    Args:
        profile: as it lies in the file.
    """
    if not profile or len(profile) < int.from_bytes(profile[:4], "big"):  # its own size: cut off
        return None
    try:
        space = ImageCms.ImageCmsProfile(BytesIO(profile)).profile.xcolor_space
    except (ImageCms.PyCMSError, OSError):
        return None
    return profile if space.strip() == "RGB" else None


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
