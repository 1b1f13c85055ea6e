"""fst.image.profiles: only a whole profile of RGB is kept; the others do no harm."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from support import make_photo

from fst.image.io import load_image, load_pixels, save_image
from fst.image.profiles import gray_to_srgb, of_rgb, rgb_to_srgb

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


def gray_of(gamma: float) -> bytes:
    """A profile of gray (ICC.1:2001-04): its curve, and what every profile has."""
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50 in 65536ths
    text = b"desc" + bytes(4) + struct.pack(">I", 5) + b"gray\0" + bytes(80)
    tags = {
        b"desc": text + bytes(-len(text) % 4),
        b"cprt": b"text" + bytes(4) + b"none",
        b"wtpt": b"XYZ " + bytes(4) + white,
        b"kTRC": b"curv" + bytes(4) + struct.pack(">IHH", 1, round(256 * gamma), 0),
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(value))
        body += value
    date = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    head = b"lcms\x02\x40\0\0mntrGRAYXYZ " + date + b"acsp" + bytes(28) + white + bytes(48)
    content = head + table + body
    return struct.pack(">I", 4 + len(content)) + content


@pytest.mark.parametrize("kind", ["L", "LA", "16 bits"])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_gray_goes_through_its_profile(gamma: float, kind: str, tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = Image.fromarray(levels.astype(np.uint16) * 257 if kind == "16 bits" else levels)
    if kind == "LA":
        image.putalpha(77)
    image.save(tmp_path / "a.png", icc_profile=gray_of(gamma))
    picture = load_image(tmp_path / "a.png")
    linear = (levels / 255) ** gamma
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    for channel in picture.rgb[0].numpy():  # IEC 61966-2-1
        np.testing.assert_allclose(channel, shown, atol=0.8 / 255)
    assert picture.icc_profile is None
    assert (picture.alpha is None) == (kind != "LA")
    pixels = load_pixels(tmp_path / "a.png")[0].numpy()
    np.testing.assert_allclose(pixels / 255, shown, atol=1.3 / 255)


@pytest.mark.parametrize("profile", [None, of(b"GRAY"), SRGB, gray_of(2.2)[:200], b"x"])
def test_gray_without_a_profile_of_its_own_stays_as_it_is(profile: bytes | None) -> None:
    gray = torch.rand(1, 1, 5, 7)
    assert gray_to_srgb(gray, profile) is gray


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


def test_another_rgb_becomes_srgb_and_alpha_stays() -> None:
    photo = make_photo().convert("RGBA")
    photo.putalpha(77)
    assert rgb_to_srgb(photo, None) is photo
    assert rgb_to_srgb(photo, WRONG["no profile"]) is photo
    # an RGB whose first number is blue and whose last is red
    profile = SRGB.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    found = np.asarray(rgb_to_srgb(photo, profile)).astype(int)
    assert int(np.abs(found[..., :3] - np.asarray(photo)[..., 2::-1]).max()) <= 2
    assert found[..., 3].tolist() == [[77] * photo.width] * photo.height
