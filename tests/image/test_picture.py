"""fst.image.picture: to and from PIL, of more than 8 bits and of floats too; resizing."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import MAX_TEXT_CHUNK, PngInfo

from fst.errors import InputError
from fst.image.io import load_image, load_pixels
from fst.image.picture import Picture, from_pil, resize, resize_tensor, to_pil


def ramp(largest: float, kind: type[np.generic]) -> NDArray[np.generic]:
    """Every brightness from black to ``largest``."""
    return np.linspace(0, largest, 20 * 24).reshape(20, 24).astype(kind)


def write(path: Path, gray: NDArray[np.generic], photometric: int = 1) -> None:
    """A TIFF of one channel; ``photometric`` 0 counts from white (TIFF 6.0, tag 262)."""
    Image.fromarray(gray).save(path)
    content = path.read_bytes()
    place = content.index(struct.pack("<HHI", 262, 3, 1)) + 8
    path.write_bytes(content[:place] + struct.pack("<H", photometric) + content[place + 2 :])


def shown(path: Path) -> NDArray[np.float64]:
    picture = load_image(path).rgb
    assert torch.equal(picture[:, 0], picture[:, 1])
    assert torch.equal(picture[:, 0], picture[:, 2])
    pixels = load_pixels(path)[0].double() / 255  # both ways of reading agree
    assert (pixels - picture[0, 0]).abs().max() < 0.51 / 255
    return picture[0, 0].double().numpy()


@pytest.mark.parametrize("overshoot", [1.01, 1.3, 1.9])
@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floats_that_overshoot_white_are_clipped(
    white: float, overshoot: float, tmp_path: Path
) -> None:
    gray = ramp(white, np.float32)
    gray[3, 4], gray[5, 6] = overshoot * white, -0.1 * white
    write(tmp_path / "a.tif", gray)
    np.testing.assert_allclose(shown(tmp_path / "a.tif"), np.clip(gray / white, 0, 1), atol=1e-6)


@pytest.mark.parametrize("white", [255, 65535, 2**31 - 1])
def test_whole_numbers_of_32_bits_are_scaled_by_the_range_they_show(
    white: int, tmp_path: Path
) -> None:
    gray = ramp(white, np.int32)
    write(tmp_path / "a.tif", gray)
    with Image.open(tmp_path / "a.tif") as image:
        assert image.mode == "I"
    np.testing.assert_allclose(shown(tmp_path / "a.tif"), gray / white, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "white"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float32, 255)]
)
def test_what_counts_from_white_is_no_negative(
    kind: type[np.generic], white: float, tmp_path: Path
) -> None:
    gray = ramp(white, kind)
    write(tmp_path / "a.tif", gray, photometric=0)
    expected = 1 - gray.astype(np.float64) / white
    np.testing.assert_allclose(shown(tmp_path / "a.tif"), expected, atol=1e-6)


def test_twelve_bits_of_a_tiff_are_white_at_4095(tmp_path: Path) -> None:
    values = np.linspace(0, 4095, 20 * 24).round().astype(int)
    packed = bytearray()
    for first, second in zip(values[::2], values[1::2], strict=True):
        packed += bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    entries = [
        (256, 4, 24), (257, 4, 20), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 4, 20), (279, 4, len(packed)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    header = b"II*\0" + struct.pack("<I", 8 + len(packed))
    (tmp_path / "a.tif").write_bytes(header + bytes(packed) + directory + bytes(4))
    expected = values.reshape(20, 24) / 4095
    np.testing.assert_allclose(shown(tmp_path / "a.tif"), expected, atol=1e-6)


def test_a_png_may_carry_a_long_text(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("project", "x" * (3 * MAX_TEXT_CHUNK), zip=True)
    photo = Image.fromarray(np.arange(480, dtype=np.uint16).reshape(20, 24).astype(np.uint8))
    photo.save(tmp_path / "a.png", pnginfo=text)
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):
        Image.open(tmp_path / "a.png").load()
    np.testing.assert_allclose(shown(tmp_path / "a.png"), np.asarray(photo) / 255, atol=1e-6)
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):  # PIL's limit is back
        Image.open(tmp_path / "a.png").load()


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

ORIENTATION = 0x0112


def noise(height: int = 20, width: int = 24, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def mode(path: Path) -> str:
    """The mode that PIL finds in the file: what the test below is about."""
    with Image.open(path) as image:
        return str(image.mode)


def test_to_pil_rounds_to_the_nearest_of_256_and_clips() -> None:
    values = torch.tensor([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 254.6 / 255, 1.0, 7.0])
    image = to_pil(values.expand(1, 3, 1, 8))
    assert image.mode == "RGB"
    assert np.asarray(image)[0, :, 0].tolist() == [0, 0, 0, 1, 128, 255, 255, 255]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_to_pil_chooses_the_mode_by_the_channels(channels: int, mode: str) -> None:
    array = noise(channels=channels)
    stacked = torch.from_numpy(array.reshape(20, 24, channels)).permute(2, 0, 1)[None] / 255
    image = to_pil(stacked.requires_grad_())
    assert image.mode == mode
    assert np.array_equal(np.asarray(image), array)


@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (3, 16, 16), (16, 16)])
def test_to_pil_refuses_what_is_not_one_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected one picture"):
        to_pil(torch.zeros(shape))


def test_from_pil_leaves_the_orientation_to_its_caller() -> None:
    image = Image.fromarray(noise())
    image.getexif()[ORIENTATION] = 6
    assert from_pil(image).size == (24, 20)
    assert from_pil(ImageOps.exif_transpose(image)).size == (20, 24)


@pytest.mark.parametrize(
    ("height", "width", "long_side", "expected"),
    [
        (600, 800, 256, (256, 192)),
        (800, 600, 256, (192, 256)),
        (30, 40, 80, (80, 60)),
        (33, 47, 31, (31, 22)),  # 33 * 31 / 47 = 21.8
        (2, 400, 100, (100, 1)),
    ],
)
def test_resize_keeps_the_aspect(
    height: int, width: int, long_side: int, expected: tuple[int, int]
) -> None:
    assert resize(Picture(torch.zeros(1, 3, height, width)), long_side).size == expected


@pytest.mark.parametrize("size", [(20, 30), (13, 17), (50, 70), (10, 90)])
def test_resizing_equals_pils_bicubic(size: tuple[int, int]) -> None:
    array = noise(30, 40).astype(np.float32) / 255
    height, width = size
    expected = [
        np.asarray(Image.fromarray(array[..., c]).resize((width, height), Image.Resampling.BICUBIC))
        for c in range(3)
    ]
    got = resize_tensor(torch.from_numpy(array).permute(2, 0, 1)[None], size)
    np.testing.assert_allclose(got[0].numpy(), np.clip(np.stack(expected), 0, 1), atol=2e-3)


def test_resizing_does_not_overshoot() -> None:
    edge = torch.zeros(1, 3, 20, 20)
    edge[..., 10:] = 1  # bicubic overshoots on both sides of an edge
    up = resize_tensor(edge, (50, 50))
    assert up.min() == 0
    assert up.max() == 1


def test_resize_takes_alpha_and_profile_along() -> None:
    picture = Picture(torch.rand(1, 3, 20, 40), torch.rand(1, 1, 20, 40), SRGB)
    small = resize(picture, 20)
    assert small.alpha is not None
    assert small.alpha.shape == (1, 1, 10, 20)
    torch.testing.assert_close(small.alpha, resize_tensor(picture.alpha, (10, 20)))
    assert small.icc_profile == SRGB


def test_resizing_to_the_same_size_changes_nothing() -> None:
    picture = Picture(torch.rand(1, 3, 20, 40))
    assert torch.equal(resize(picture, 40).rgb, picture.rgb)
