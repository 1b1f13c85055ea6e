"""fst.image.picture: grayscale of more than 8 bits, and floats, whatever white is in them."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import MAX_TEXT_CHUNK, PngInfo

from fst.image.io import load_image, load_pixels


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
