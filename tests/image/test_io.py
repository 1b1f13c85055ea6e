"""fst.image.io: every kind of file in and out, against NumPy and PIL; nothing half written."""

import errno
import os
import resource
import stat
import struct
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, features
from PIL.PngImagePlugin import PngImageFile
from torch import Tensor

from fst.choices import MAX_PIXELS
from fst.errors import InputError
from fst.image import io
from fst.image.io import (
    FORMATS,
    check_output,
    encode_image,
    load_image,
    load_pixels,
    save_image,
)
from fst.image.picture import Picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
ORIENTATION = 0x0112


def noise(height: int = 20, width: int = 24, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int = 20, width: int = 24) -> NDArray[np.uint8]:
    """A picture that lossy formats hardly change."""
    y, x = np.mgrid[:height, :width]
    return np.stack([60 + 4 * x, 200 - 5 * y, 90 + 2 * x + 2 * y], 2).astype(np.uint8)


def tensor(array: NDArray[np.uint8]) -> Tensor:
    """What 8-bit ``(H, W, C)`` or ``(H, W)`` should become: ``(1, 3, H, W)``, a 255th a step."""
    if array.ndim == 2:
        array = np.stack([array] * 3, 2)
    return torch.from_numpy(array.astype(np.float64) / 255).permute(2, 0, 1)[None].float()


def assert_same(got: Tensor, expected: Tensor, steps: float = 1e-3) -> None:
    """Equal up to ``steps`` of the 255 that 8 bits have."""
    assert got.dtype == torch.float32
    assert got.shape == expected.shape
    torch.testing.assert_close(got, expected, rtol=0, atol=steps / 255)


def mode(path: Path) -> str:
    """The mode that PIL finds in the file: what the test below is about."""
    with Image.open(path) as image:
        return str(image.mode)


# --- reading ---------------------------------------------------------------------------------


def test_rgb_is_read_as_a_fraction_of_255(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    picture = load_image(tmp_path / "a.png")
    assert_same(picture.rgb, tensor(noise()))
    assert picture.rgb.is_contiguous()
    assert picture.size == (24, 20)
    assert picture.alpha is None
    assert picture.icc_profile is None


def test_a_string_and_an_open_file_are_read_like_a_path(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    assert_same(load_image(str(tmp_path / "a.png")).rgb, tensor(noise()))
    assert_same(load_image(BytesIO((tmp_path / "a.png").read_bytes())).rgb, tensor(noise()))
    with (tmp_path / "a.png").open("rb") as file:
        assert_same(load_image(file).rgb, tensor(noise()))


STORED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    # the EXIF standard's table: where the stored first row and first column are to be shown
    1: lambda upright: upright,  # top, left
    2: lambda upright: upright[:, ::-1],  # top, right
    3: lambda upright: upright[::-1, ::-1],  # bottom, right
    4: lambda upright: upright[::-1],  # bottom, left
    5: lambda upright: upright.swapaxes(0, 1),  # left, top
    6: lambda upright: upright[:, ::-1].swapaxes(0, 1),  # right, top
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),  # right, bottom
    8: lambda upright: upright[::-1].swapaxes(0, 1),  # left, bottom
}


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
@pytest.mark.parametrize("orientation", list(STORED))
def test_exif_orientation_is_applied(orientation: int, suffix: str, tmp_path: Path) -> None:
    upright = smooth()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](upright)))
    options = {} if suffix == ".png" else {"quality": 100}
    stored.save(tmp_path / f"a{suffix}", exif=exif, **options)
    picture = load_image(tmp_path / f"a{suffix}")
    assert picture.size == (24, 20)
    assert_same(picture.rgb, tensor(upright), steps=0.01 if suffix == ".png" else 8)


def exif_block(*entries: tuple[int, int, int, bytes]) -> bytes:
    """EXIF as a camera with bad firmware may write it: (tag, type, count, value) as they are."""
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries))
    return block + b"".join(struct.pack("<HHI4s", *entry) for entry in entries) + bytes(4)


@pytest.mark.parametrize(
    "wrong", [(0x011A, 2, 4, b"abc\0"), (0x0103, 2, 4, b"abc\0")], ids=["resolution", "compression"]
)
def test_an_exif_tag_of_the_wrong_type_does_not_spoil_a_good_picture(
    wrong: tuple[int, int, int, bytes], tmp_path: Path
) -> None:
    stored = np.ascontiguousarray(STORED[6](noise()))
    exif = exif_block(*sorted([(ORIENTATION, 3, 1, b"\6\0\0\0"), wrong]))
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    assert_same(load_image(tmp_path / "a.png").rgb, tensor(noise()))


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
    gray = noise(channels=1)
    Image.fromarray(gray).save(tmp_path / "a.png")
    assert mode(tmp_path / "a.png") == "L"
    assert_same(load_image(tmp_path / "a.png").rgb, tensor(gray))


def test_a_gray_profile_is_not_kept_for_rgb(tmp_path: Path) -> None:
    Image.fromarray(noise(channels=1)).save(tmp_path / "a.png", icc_profile=SRGB)
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["icc_profile"] == SRGB
    assert load_image(tmp_path / "a.png").icc_profile is None


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bit_gray_keeps_its_scale(suffix: str, tmp_path: Path) -> None:
    gray = np.linspace(0, 65535, 20 * 24).reshape(20, 24).round().astype(np.uint16)
    Image.fromarray(gray).save(tmp_path / f"a{suffix}")
    assert mode(tmp_path / f"a{suffix}").startswith("I")
    expected = torch.from_numpy(gray / 65535).float().expand(1, 3, 20, 24)
    torch.testing.assert_close(
        load_image(tmp_path / f"a{suffix}").rgb, expected, rtol=1e-6, atol=1e-7
    )


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    bits = noise(channels=1) > 127
    Image.fromarray(bits).save(tmp_path / "a.png")
    assert mode(tmp_path / "a.png") == "1"
    assert_same(load_image(tmp_path / "a.png").rgb, tensor(bits.astype(np.uint8) * 255))


def palette_image() -> tuple[Image.Image, NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture of eight colors, the indices of its pixels, and the colors."""
    colors = np.random.default_rng(1).integers(0, 256, (8, 3), dtype=np.uint8)
    indices = noise(channels=1) % 8
    image = Image.fromarray(indices, "L")
    image.putpalette(colors.tobytes())
    return image, indices, colors


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image, indices, colors = palette_image()
    image.save(tmp_path / "a.png")
    assert mode(tmp_path / "a.png") == "P"
    picture = load_image(tmp_path / "a.png")
    assert_same(picture.rgb, tensor(colors[indices]))
    assert picture.alpha is None


def test_a_palette_keeps_the_profile_of_its_colors(tmp_path: Path) -> None:
    palette_image()[0].save(tmp_path / "a.png", icc_profile=SRGB)
    assert load_image(tmp_path / "a.png").icc_profile == SRGB


@pytest.mark.parametrize("suffix", [".png", ".gif"])
def test_a_transparent_palette_color_becomes_alpha(suffix: str, tmp_path: Path) -> None:
    image, indices, colors = palette_image()
    image.save(tmp_path / f"a{suffix}", transparency=3)
    picture = load_image(tmp_path / f"a{suffix}")
    assert picture.alpha is not None
    opaque = torch.from_numpy(indices != 3)[None, None]
    assert torch.equal(picture.alpha, opaque.float())
    shown = opaque.expand(1, 3, -1, -1)
    assert_same(picture.rgb[shown], tensor(colors[indices])[shown])


def test_a_palette_with_a_transparency_for_each_color_becomes_alpha(tmp_path: Path) -> None:
    image, indices, _ = palette_image()
    levels = np.arange(8, dtype=np.uint8) * 36
    image.save(tmp_path / "a.png", transparency=levels.tobytes())
    alpha = load_image(tmp_path / "a.png").alpha
    assert alpha is not None
    assert_same(alpha, tensor(levels[indices])[:, :1])


def test_gray_with_alpha_and_rgb_with_alpha_keep_both(tmp_path: Path) -> None:
    for name, pixels in (("la.png", noise(channels=2)), ("rgba.png", noise(channels=4))):
        Image.fromarray(pixels).save(tmp_path / name)
        picture = load_image(tmp_path / name)
        assert picture.alpha is not None
        assert_same(picture.alpha, tensor(pixels[..., -1])[:, :1])
        color = pixels[..., 0] if name == "la.png" else pixels[..., :3]
        seen = torch.from_numpy(pixels[..., -1] > 1).expand(1, 3, -1, -1)
        assert_same(picture.rgb[seen], tensor(color)[seen])


def test_a_transparent_color_of_an_rgb_png_becomes_alpha(tmp_path: Path) -> None:
    pixels = noise()
    pixels[3, 5] = (10, 20, 30)
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=(10, 20, 30))
    alpha = load_image(tmp_path / "a.png").alpha
    assert alpha is not None
    assert torch.equal(alpha[0, 0] == 0, torch.from_numpy((pixels == (10, 20, 30)).all(2)))


def test_cmyk_becomes_rgb_by_the_plain_formula(tmp_path: Path) -> None:
    inks = np.zeros((20, 24, 4), np.uint8)
    inks[..., 0], inks[..., 1], inks[..., 2], inks[..., 3] = 40, 90, 160, 30
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.jpg", quality=100)
    assert mode(tmp_path / "a.jpg") == "CMYK"
    picture = load_image(tmp_path / "a.jpg")
    expected = [(255 - ink) * (255 - 30) / 255 / 255 for ink in (40, 90, 160)]
    assert_same(picture.rgb, torch.tensor(expected).view(1, 3, 1, 1).expand(1, 3, 20, 24), steps=2)
    assert picture.icc_profile is None


@pytest.mark.parametrize("profile", [SRGB, b"no profile at all" * 20], ids=["of RGB", "damaged"])
def test_cmyk_with_a_useless_profile_falls_back_on_the_plain_formula(
    profile: bytes, tmp_path: Path
) -> None:
    image = Image.fromarray(smooth()).convert("CMYK")
    image.save(tmp_path / "plain.jpg")
    image.save(tmp_path / "a.jpg", icc_profile=profile)
    picture = load_image(tmp_path / "a.jpg")
    assert_same(picture.rgb, load_image(tmp_path / "plain.jpg").rgb)
    assert picture.icc_profile is None


def test_lab_goes_through_its_profile(tmp_path: Path) -> None:
    lab_profile = ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(
        Image.fromarray(smooth()), ImageCms.createProfile("sRGB"), lab_profile, outputMode="LAB"
    )
    assert lab is not None
    lab.save(tmp_path / "a.tif", icc_profile=ImageCms.ImageCmsProfile(lab_profile).tobytes())
    picture = load_image(tmp_path / "a.tif")
    assert_same(picture.rgb, tensor(smooth()), steps=8)  # 8 bits of LAB are coarse
    assert picture.icc_profile is None


# --- as bytes --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RGB", "L", "1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_pixels_are_the_same_picture_as_bytes(kind: str, tmp_path: Path) -> None:
    image = Image.fromarray(noise())
    if kind == "I;16":
        image = Image.fromarray(noise(channels=1).astype(np.uint16) * 257)
    else:
        image = image.convert(kind)
    image.save(tmp_path / "a.tif")
    pixels = load_pixels(tmp_path / "a.tif")
    assert pixels.dtype == torch.uint8
    assert pixels.shape == (3, 20, 24)
    assert pixels.is_contiguous()
    assert_same(pixels[None] / 255, load_image(tmp_path / "a.tif").rgb, steps=0.51)


def test_pixels_of_rgb_are_those_of_the_file(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    pixels = load_pixels(tmp_path / "a.png")
    assert np.array_equal(pixels.permute(1, 2, 0).numpy(), noise())
    pixels += 1  # it is the caller's
    assert np.array_equal(load_pixels(tmp_path / "a.png").permute(1, 2, 0).numpy(), noise())


def test_a_single_pixel_is_enough(tmp_path: Path) -> None:
    Image.fromarray(noise(1, 1)).save(tmp_path / "a.png")
    assert load_pixels(tmp_path / "a.png").flatten().tolist() == noise(1, 1).flatten().tolist()


def test_a_draft_of_a_jpeg_is_smaller_and_of_a_png_is_not(tmp_path: Path) -> None:
    for suffix, expected in ((".jpg", (3, 50, 75)), (".png", (3, 100, 150))):
        Image.fromarray(smooth(100, 150)).save(tmp_path / f"a{suffix}")
        assert load_pixels(tmp_path / f"a{suffix}", draft=50).shape == expected


def test_pixels_that_cannot_be_read_are_called_as_asked() -> None:
    with pytest.raises(InputError, match=r"^the third photo is not a picture of a kind "):
        load_pixels(BytesIO(b"no picture"), "the third photo")


# --- several at a time -----------------------------------------------------------------------


def test_threads_decode_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12345)
    both, limits = threading.Barrier(2, timeout=20), []

    def load(image: Image.Image) -> object:
        both.wait()  # breaks if one thread has to wait for the other
        limits.append(Image.MAX_IMAGE_PIXELS)
        return real(image)

    real = PngImageFile.load
    monkeypatch.setattr(PngImageFile, "load", load)
    with ThreadPoolExecutor(2) as pool:
        for picture in pool.map(load_image, [tmp_path / "a.png"] * 2):
            assert picture.size == (24, 20)
    assert set(limits) == {None}
    assert Image.MAX_IMAGE_PIXELS == 12345


def test_pils_limit_comes_back_after_a_failure_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12345)
    with pytest.raises(InputError, match=r"^the given file is not a picture"):
        load_image(BytesIO(b"no picture"))
    assert Image.MAX_IMAGE_PIXELS == 12345


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_what_pil_warns_of_is_no_error(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(smooth()).save(path)
    content = path.read_bytes()
    if suffix == ".jpg":
        cut = exif_block((ORIENTATION, 3, 1, b"\1\0\0\0"), (0x010F, 2, 99, b"\xff\0\0\0"))[:-6]
        content = content[:2] + b"\xff\xe1" + struct.pack(">H", len(cut) + 2) + cut + content[2:]
    else:
        planes = content.index(struct.pack("<HHI", 284, 3, 1))
        content = content[: planes + 4] + struct.pack("<I", 2) + content[planes + 8 :]
    path.write_bytes(content)
    filters = list(warnings.filters)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with Image.open(path) as image:
            image.getexif().get(ORIENTATION)
            image.load()
    assert seen, "PIL does not warn of this picture: find another"
    assert_same(load_image(path).rgb, tensor(smooth()), steps=12)  # warnings are errors
    assert list(warnings.filters) == filters


def test_warnings_of_others_are_still_seen(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    load_image(tmp_path / "a.png")
    with pytest.warns(UserWarning, match="ours"):
        warnings.warn("ours", stacklevel=1)


# --- what can't be read ----------------------------------------------------------------------


def test_a_missing_file_a_folder_and_a_text_say_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.jpg.*no such file"):
        load_image(tmp_path / "nowhere.jpg")
    with pytest.raises(InputError, match="is a folder"):
        load_image(tmp_path)
    (tmp_path / "notes.jpg").write_text("not a picture, but long enough to be one" * 20)
    with pytest.raises(InputError, match=r"notes\.jpg is not a picture"):
        load_image(tmp_path / "notes.jpg")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(InputError, match=r"empty\.jpg is empty"):
        load_image(tmp_path / "empty.jpg")
    with pytest.raises(InputError, match=r"not a picture|empty"):
        load_image(BytesIO(b""))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".gif", ".bmp", ".avif"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_truncated_picture_is_refused(suffix: str, part: float, tmp_path: Path) -> None:
    if suffix == ".avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    path = tmp_path / f"a{suffix}"
    Image.fromarray(noise(40, 40)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match=rf"a\{suffix}"):
        load_image(path)


def test_a_png_with_a_damaged_byte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(noise()).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 40] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png"):
        load_image(path)


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_an_avif_with_damaged_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.fromarray(noise(40, 40)).save(path)
    content = path.read_bytes()
    pixels = content.index(b"mdat") + 4
    path.write_bytes(content[:pixels] + bytes(len(content) - pixels))
    with pytest.raises(InputError, match=r"a\.avif"):
        load_image(path)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (15, 40), (40, 15)])
def test_a_picture_under_sixteen_pixels_is_refused_unless_allowed(
    height: int, width: int, tmp_path: Path
) -> None:
    Image.fromarray(noise(height, width)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=rf"a\.png: {width}x{height} is too small, 16"):
        load_image(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png", min_side=1).size == (width, height)


def test_a_picture_over_the_limit_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(noise(20, 30)).save(path)
    with pytest.raises(InputError, match=r"a\.png: 30x20 .*--max-pixels"):
        load_image(path, max_pixels=599)
    assert load_image(path, max_pixels=600).size == (30, 20)
    path.write_bytes(path.read_bytes()[:60])  # the size is known, the pixels are gone
    with pytest.raises(InputError, match="--max-pixels"):
        load_image(path, max_pixels=599)


def test_a_picture_that_is_so_thin_that_a_pass_takes_too_much_is_refused(tmp_path: Path) -> None:
    long = MAX_PIXELS // 64
    for width, fits in ((long, True), (long + 1, False)):
        Image.new("1", (width, 1)).save(tmp_path / "a.png")
        if fits:
            assert load_image(tmp_path / "a.png", min_side=1).size == (width, 1)
            continue
        with pytest.raises(InputError, match=rf"a\.png: {width}x1 .*--max-pixels"):
            load_image(tmp_path / "a.png", min_side=1)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_our_limit_takes_the_place_of_pils(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(noise(20, 30)).save(tmp_path / f"a{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # as if the picture had 500 megapixels
    assert load_image(tmp_path / f"a{suffix}").size == (30, 20)
    assert Image.MAX_IMAGE_PIXELS == 100


# --- writing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
def test_all_256_values_survive_a_lossless_format(suffix: str, tmp_path: Path) -> None:
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels = np.stack([values, values[::-1], values.T], 2)
    save_image(tmp_path / f"a{suffix}", tensor(pixels))
    assert np.array_equal(np.asarray(Image.open(tmp_path / f"a{suffix}")), pixels)
    again = load_image(tmp_path / f"a{suffix}")
    save_image(tmp_path / f"b{suffix}", again)
    assert np.array_equal(np.asarray(Image.open(tmp_path / f"b{suffix}")), pixels)


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_each_suffix_writes_its_format(suffix: str, tmp_path: Path) -> None:
    save_image(tmp_path / f"a{suffix}", tensor(smooth()))
    with Image.open(tmp_path / f"a{suffix}") as image:
        kinds = {"jpg": "JPEG", "jpeg": "JPEG", "tif": "TIFF"}
        assert image.format == kinds.get(suffix[1:], suffix[1:].upper())
        assert image.mode == "RGB"
        difference = np.asarray(image).astype(int) - smooth()
        assert np.abs(difference).max() <= 8


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_a_higher_quality_is_closer_and_larger(suffix: str, tmp_path: Path) -> None:
    sizes, errors = [], []
    for quality in (20, 95):
        path = tmp_path / f"{quality}{suffix}"
        save_image(path, tensor(noise(48, 48)), quality=quality)
        sizes.append(path.stat().st_size)
        errors.append(np.abs(np.asarray(Image.open(path)).astype(int) - noise(48, 48)).mean())
    assert sizes[1] > sizes[0]
    assert errors[1] < errors[0]


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_alpha_is_kept_where_the_format_has_it(suffix: str, tmp_path: Path) -> None:
    alpha = noise(channels=1)
    save_image(tmp_path / f"a{suffix}", Picture(tensor(smooth()), tensor(alpha)[:, :1]))
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image)[..., 3], alpha)
    again = load_image(tmp_path / f"a{suffix}").alpha
    assert again is not None
    assert_same(again, tensor(alpha)[:, :1])


def test_alpha_is_laid_on_white_in_jpeg(tmp_path: Path) -> None:
    pixels = np.zeros((48, 48, 3), np.uint8)
    pixels[..., 0] = 200
    alpha = np.zeros((48, 48), np.uint8)
    alpha[:, 16:32], alpha[:, 32:] = 128, 255
    save_image(tmp_path / "a.jpg", Picture(tensor(pixels), tensor(alpha)[:, :1]))
    white = Image.new("RGB", (48, 48), "white")
    white.paste(Image.fromarray(pixels), mask=Image.fromarray(alpha))
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.mode == "RGB"
        written = np.asarray(image).astype(int)
    assert np.abs(written - np.asarray(white))[:, 4:12].max() <= 4
    assert np.abs(written - np.asarray(white))[:, 20:28].max() <= 4
    assert np.abs(written - np.asarray(white))[:, 36:44].max() <= 4


@pytest.mark.parametrize("suffix", sorted(FORMATS))
def test_the_profile_is_kept_from_file_to_file(suffix: str, tmp_path: Path) -> None:
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    Image.fromarray(smooth()).save(source, icc_profile=SRGB)
    picture = load_image(source)
    assert picture.icc_profile == SRGB
    save_image(target, picture)
    with Image.open(target) as image:
        assert image.info["icc_profile"] == SRGB


# --- whole or not at all ---------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, b"the old picture"])
def test_a_write_that_fails_midway_leaves_everything_as_it_was(
    before: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    if before is not None:
        path.write_bytes(before)

    def save(image: Image.Image, file: Path, **options: object) -> None:
        Path(file).write_bytes(b"half a picture")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(OSError, match="No space left"):
        save_image(path, tensor(noise()))
    assert os.listdir(tmp_path) == ([] if before is None else ["a.png"])
    assert before is None or path.read_bytes() == before


@pytest.mark.parametrize(("name", "width"), [("a.webp", 16384), ("a.jpg", 65536)])
def test_a_picture_too_wide_for_its_format_is_the_users_mistake(
    name: str, width: int, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=name):
        save_image(tmp_path / name, torch.zeros(1, 3, 1, width))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").touch()
    save_image(tmp_path / "a.png", tensor(noise()))
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain.txt", "a.png")]
    assert modes[0] == modes[1]


def test_a_long_name_that_the_file_system_takes_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'a' * 246}.png"  # 250 of the usual 255 bytes
    try:
        path.touch()
    except OSError:
        pytest.skip("this file system takes no names of 250 bytes")
    path.unlink()
    save_image(check_output(path), tensor(noise()))
    assert np.array_equal(np.asarray(Image.open(path)), noise())


# --- where to write --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.JPG", "a.b.webp", "ä ö.tiff"])
def test_check_output_gives_the_path_and_leaves_nothing(name: str, tmp_path: Path) -> None:
    assert check_output(str(tmp_path / name)) == tmp_path / name
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["a.gif", "a", ".png", "a.png.txt"])
def test_an_unknown_suffix_names_the_known_ones(name: str, tmp_path: Path) -> None:
    for write in (check_output, lambda path: save_image(path, tensor(noise()))):
        with pytest.raises(InputError) as caught:
            write(tmp_path / name)
        assert repr(name) in str(caught.value)
        assert all(suffix in str(caught.value) for suffix in FORMATS)
    assert os.listdir(tmp_path) == []


def test_a_place_that_can_hold_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_output(tmp_path / "folder.png")
    with pytest.raises(InputError, match=r"can't write to .*missing"):
        check_output(tmp_path / "missing" / "a.png")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="file is not a folder"):
        check_output(tmp_path / "file" / "a.png")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["L", "I;16", "RGB"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_a_tiff_of_any_kind_is_turned_upright(
    kind: str, compression: str, orientation: int, tmp_path: Path
) -> None:
    """PIL garbles uncompressed gray ones; the expected picture is NumPy's (TIFF 6.0, tag 274)."""
    stored = np.arange(20 * 24).reshape(20, 24)
    turn = {2: "h", 3: "rr", 4: "hrr", 5: "rrrh", 6: "rrr", 7: "rh", 8: "r"}.get(orientation, "")
    expected = stored
    for step in turn:  # h: mirrored; r: a quarter turn to the left
        expected = np.fliplr(expected) if step == "h" else np.rot90(expected)
    if kind == "I;16":
        array, scale = (stored * 100).astype(np.uint16), 65535 / 100
    else:
        array, scale = (stored // 2).astype(np.uint8), 255.0
        expected = expected // 2
    image = Image.fromarray(array if kind != "RGB" else np.stack([array] * 3, 2))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.tif", exif=exif.tobytes(), compression=compression)
    found = load_image(tmp_path / "a.tif").rgb[0, 0].numpy()
    np.testing.assert_allclose(found, expected / scale, atol=1e-6)


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX limits")
@pytest.mark.parametrize(("suffix", "small"), [*((s, True) for s in FORMATS), (".tif", False)])
def test_a_full_disk_is_not_taken_for_the_pictures_fault(
    suffix: str, small: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Not even by libtiff's encoder, which says that it failed and not why."""
    if not small:
        monkeypatch.setattr(io, "SMALL", 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    path = tmp_path / f"a{suffix}"
    large = tensor(noise(300, 400))
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            save_image(path, large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert not small or capfd.readouterr().err == ""
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("suffix", "kind"), [(".jpg", "JPEG"), (".png", "PNG"), (".webp", "WEBP")])
def test_encoded_bytes_are_those_of_the_file(suffix: str, kind: str, tmp_path: Path) -> None:
    alpha = torch.linspace(0, 1, 20).expand(1, 1, 16, 20)
    picture = Picture(torch.rand(1, 3, 16, 20), alpha, dpi=(72.0, 72.0))
    save_image(tmp_path / f"a{suffix}", picture, quality=80)
    assert encode_image(picture, kind, quality=80) == (tmp_path / f"a{suffix}").read_bytes()


def test_what_a_format_cannot_hold_is_one_line() -> None:
    with pytest.raises(InputError, match="WEBP can't hold"):
        encode_image(torch.zeros(1, 3, 1, 17_000), "WEBP")
