"""fst.image.profiles: only a whole profile of RGB is kept; the others do no harm."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from support import make_photo

from fst.image.io import load_image, load_pixels, save_image
from fst.image.profiles import of_rgb

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def of(space: bytes) -> bytes:
    """A profile that says it is of another color space (ICC.1, 7.2: bytes 16 to 19)."""
    return SRGB[:16] + space + SRGB[20:]


def padded(size: int) -> bytes:
    """A large profile: a tag that nobody reads makes most of it."""
    content = SRGB + bytes(size - len(SRGB))
    return size.to_bytes(4, "big") + content[4:]


WRONG = {
    "gray": of(b"GRAY"),
    "CMYK": of(b"CMYK"),
    "Lab": LAB,
    "cut off": SRGB[:300],
    "a header": SRGB[:128],
    "no profile": b"no profile at all" * 20,
    "one byte": b"x",
    "empty": b"",
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("kind", WRONG)
def test_a_profile_that_says_nothing_of_rgb_is_left_out(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    assert of_rgb(WRONG[kind]) is None
    photo, path = make_photo(), tmp_path / f"a{suffix}"
    options = {".webp": {"lossless": True}, ".jpg": {"quality": 95}}.get(suffix, {})
    photo.save(path, icc_profile=WRONG[kind], **options)
    picture = load_image(path)
    assert picture.icc_profile is None
    pixels = load_pixels(path).permute(1, 2, 0).numpy().astype(int)
    assert np.abs(pixels - np.asarray(photo)).mean() < 3
    save_image(tmp_path / f"b{suffix}", picture)
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert not image.info.get("icc_profile")


@pytest.mark.parametrize("profile", [SRGB, padded(3_000_000)], ids=["small", "of 3 MB"])
def test_a_profile_of_rgb_is_kept(profile: bytes, tmp_path: Path) -> None:
    assert of_rgb(profile) == profile
    make_photo().save(tmp_path / "a.png", icc_profile=profile)
    picture = load_image(tmp_path / "a.png")
    assert picture.icc_profile == profile
    save_image(tmp_path / "b.png", picture)
    again = load_image(tmp_path / "b.png")
    assert again.icc_profile == profile
    assert torch.equal(again.rgb, picture.rgb)


@pytest.mark.parametrize("kind", WRONG)
def test_inks_with_a_profile_of_something_else_are_still_read(kind: str) -> None:
    stream = BytesIO()
    photo = make_photo()
    photo.convert("CMYK").save(stream, "TIFF", icc_profile=WRONG[kind])
    picture = load_image(stream)
    assert picture.icc_profile is None
    pixels = picture.rgb[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(pixels - np.asarray(photo)).mean() < 40
