"""fst.interfaces.conversion: a picture that was opened through PIL is what its file is read as."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image

from fst.errors import InputError
from fst.image.io import load_image
from fst.image.picture import Picture
from fst.interfaces.conversion import to_pictures

GRAY = np.linspace(0, 0.7, 20 * 24).reshape(20, 24) ** 2
RGB = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], 2)


def numbers(kind: str, white: int, image: NDArray[Any] = GRAY) -> NDArray[Any]:
    return (image * white).round().astype(kind)


def both_ways(path: Path, is_decoded: bool) -> tuple[Picture, Picture]:
    """Read from the file, and opened through PIL."""
    image = Image.open(path)
    if is_decoded:
        image.load()
    (given,) = to_pictures(image, "photo")
    (again,) = to_pictures(image, "photo")
    assert torch.equal(given.rgb, again.rgb)
    return load_image(path), given


@pytest.mark.parametrize("is_decoded", [False, True])
@pytest.mark.parametrize(
    ("pixels", "options"),
    [
        (numbers("u2", 65535, 1 - GRAY), {"photometric": "miniswhite"}),
        (numbers("i2", 32767), {"photometric": "minisblack"}),
        (numbers("i1", 127), {"photometric": "minisblack"}),
        (numbers("u4", 2**32 - 1), {"photometric": "minisblack"}),
        (
            numbers("u2", 4095),
            {"photometric": "minisblack", "extratags": [(281, "H", 1, 4095, True)]},
        ),
    ],
    ids=["from white", "16 bits with a sign", "8 bits with a sign", "32 bits", "12 bits"],
)
def test_the_numbers_of_a_tiff_mean_what_its_file_says(
    pixels: NDArray[Any], options: dict[str, Any], is_decoded: bool, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", pixels, **options)
    with pytest.warns() if options.get("extratags") else torch.no_grad():
        for picture in both_ways(tmp_path / "a.tif", is_decoded):
            np.testing.assert_allclose(picture.rgb[0, 1].numpy(), GRAY, atol=0.51 / 127)


@pytest.mark.parametrize("is_decoded", [False, True])
def test_planes_that_pil_mixes_up_are_refused(is_decoded: bool, tmp_path: Path) -> None:
    planes = np.ascontiguousarray(numbers("u2", 65535, RGB).transpose(2, 0, 1))
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    with Image.open(tmp_path / "a.tif") as image:
        if is_decoded:
            image.load()
        with pytest.raises(InputError, match="the photo is a TIFF of 3 x 16 bits"):
            to_pictures(image, "photo")


@pytest.mark.parametrize("is_decoded", [False, True])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_turned_once(
    orientation: int, compression: str, is_decoded: bool, tmp_path: Path
) -> None:
    turned = {  # EXIF 3.0, section 4.6.5.1: what has to be undone, in NumPy's words
        **{1: RGB, 2: RGB[:, ::-1], 3: RGB[::-1, ::-1], 4: RGB[::-1]},
        **{5: RGB.swapaxes(0, 1), 6: np.rot90(RGB, 1), 8: np.rot90(RGB, -1)},
        7: RGB[::-1, ::-1].swapaxes(0, 1),
    }[orientation]
    image, exif = Image.fromarray(numbers("u1", 255, turned)), Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.tif", compression=compression, exif=exif.tobytes())
    for picture in both_ways(tmp_path / "a.tif", is_decoded):
        shown = picture.rgb[0].permute(1, 2, 0).numpy()
        np.testing.assert_allclose(shown, RGB, atol=0.51 / 255)


def test_a_gray_tiff_that_lies_on_its_side_is_not_garbled(tmp_path: Path) -> None:
    image, exif = Image.fromarray(np.ascontiguousarray(np.rot90(numbers("u1", 255)))), Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.tif", exif=exif.tobytes())
    with Image.open(tmp_path / "a.tif") as opened:
        (picture,) = to_pictures(opened, "photo")
        assert opened.filename == str(tmp_path / "a.tif")
    np.testing.assert_allclose(picture.rgb[0, 0].numpy(), GRAY, atol=0.51 / 255)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_transparent_color_of_16_bits_is_seen(tmp_path: Path) -> None:
    rows = [[(300 + 256 * y, 700, 900)] * 24 for y in range(20)]
    packed = b"".join(b"\0" + np.array(row, ">u2").tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", 24, 20, 16, 2, 0, 0, 0)
    chunks = [
        chunk(b"IHDR", header),
        chunk(b"tRNS", struct.pack(">HHH", *rows[5][0])),
        chunk(b"IDAT", zlib.compress(packed)),
        chunk(b"IEND", b""),
    ]
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    for picture in both_ways(tmp_path / "a.png", False):
        assert picture.alpha is not None
        assert picture.alpha[0, 0, :, 0].tolist() == [float(y != 5) for y in range(20)]
