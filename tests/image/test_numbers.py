"""fst.image.numbers: every kind of number is scaled by what it holds, or refused by its name.

The files are written by tifffile or byte by byte, not by what reads them.
"""

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image

from fst.errors import FstWarning, InputError
from fst.image.io import load_image, load_pixels
from fst.image.picture import from_pil

GRAY = np.linspace(0, 1, 20 * 24).reshape(20, 24)
RGB = np.stack([GRAY, GRAY[::-1], GRAY[:, ::-1]], 2)


def write(path: Path, numbers: NDArray[Any], **options: Any) -> Path:
    """A TIFF, of gray unless the options say otherwise."""
    tifffile.imwrite(path, numbers, **{"photometric": "minisblack", **options})
    return path


def numbers(kind: str, white: float, image: NDArray[Any] = GRAY) -> NDArray[Any]:
    scaled = image * white
    return (scaled if kind.startswith("f") else scaled.round()).astype(kind)


def shown(path: Path) -> NDArray[np.float64]:
    """The picture, which has to be gray, and the same by both ways of reading."""
    picture = load_image(path).rgb
    assert torch.equal(picture[:, 0], picture[:, 1])
    assert torch.equal(picture[:, 0], picture[:, 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FstWarning)
        pixels = load_pixels(path)[0].double() / 255
    assert (pixels - picture[0, 0]).abs().max() < 0.51 / 255
    return picture[0, 0].double().numpy()


TOLD = {  # what the file says of its numbers is enough
    "8 bits": ("u1", 2**8 - 1),
    "8 bits with a sign": ("i1", 2**7 - 1),
    "16 bits": ("u2", 2**16 - 1),
    "16 bits with a sign": ("i2", 2**15 - 1),
    "32 bits": ("u4", 2**32 - 1),
    "32 bits with a sign": ("i4", 2**31 - 1),
    "floats": ("f4", 1),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", TOLD)
def test_a_tiff_is_scaled_by_what_it_says_of_its_numbers(
    kind: str, order: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.tif", numbers(*TOLD[kind]), byteorder=order)
    if (kind, order) == ("32 bits", ">"):  # what PIL does not know
        with pytest.raises(InputError, match=r"a\.tif is a TIFF of 1 x 32 bits \(gray"):
            load_image(path)
        return
    np.testing.assert_allclose(shown(path), GRAY, atol=0.51 / TOLD[kind][1] + 1e-6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", TOLD)
def test_what_counts_from_white_is_no_negative(kind: str, order: str, tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.tif", numbers(*TOLD[kind]), photometric="miniswhite", byteorder=order
    )
    if kind in ("8 bits", "floats") or (kind, order) == ("16 bits", "<"):
        np.testing.assert_allclose(shown(path), 1 - GRAY, atol=0.51 / TOLD[kind][1] + 1e-6)
        return
    with pytest.raises(InputError, match=r"a\.tif is a TIFF of .*counted from white.*save it as"):
        load_image(path)


SHOWN = {  # the numbers have to show it
    "32 bits up to 255": ("i4", 255),
    "32 bits up to 65535": ("u4", 65535),
    "32 bits with a sign up to 65535": ("i4", 65535),
    "floats up to 255": ("f4", 255),
    "floats up to 65535": ("f4", 65535),
}


@pytest.mark.parametrize("share", [1, 0.9, 0.2])
@pytest.mark.parametrize("kind", SHOWN)
def test_a_scale_that_the_numbers_show_is_said(kind: str, share: float, tmp_path: Path) -> None:
    name, white = SHOWN[kind]
    path = write(tmp_path / "a.tif", numbers(name, white, GRAY * share))
    with pytest.warns(FstWarning, match=rf"a\.tif: {white} is taken for white") as said:
        found = shown(path)
    assert len(said) == 1
    np.testing.assert_allclose(found, GRAY * share, atol=0.51 / white + 1e-6)


@pytest.mark.parametrize("overshoot", [1.01, 1.3, 1.9])
@pytest.mark.parametrize("white", [1.0, 255.0])
def test_floats_that_overshoot_white_are_clipped(
    white: float, overshoot: float, tmp_path: Path
) -> None:
    gray = numbers("f4", white)
    gray[3, 4], gray[5, 6] = overshoot * white, -0.1 * white
    path = write(tmp_path / "a.tif", gray)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FstWarning)
        np.testing.assert_allclose(shown(path), np.clip(gray / white, 0, 1), atol=1e-6)


UNTOLD = {
    "8 bits below 0": (numbers("i1", 100) - np.int8(50), "from -50 to 50"),
    "16 bits below 0": (numbers("i2", 100) - np.int16(50), "from -50 to 50"),
    "32 bits below 0": (numbers("i4", 100) - 50, "from -50 to 50"),
    "32 bits of no scale": (numbers("i4", 100_000), "up to 100000"),
    "32 bits of 12": (numbers("i4", 4095), "up to 4095"),
    "a mask of 32 bits": (numbers("i4", 1), "up to 1"),
    "floats of no scale": (numbers("f4", 1e6), "1e[+]06"),
    "high dynamic range": (numbers("f4", 8), "from 0 to 8"),
    "floats around 0": (2 * numbers("f4", 1) - 1, "from -1 to 1"),
    "not a number": (np.where(GRAY > 0.5, np.nan, GRAY).astype("f4"), "not finite"),
    "infinity": (np.where(GRAY > 0.5, np.inf, GRAY).astype("f4"), "not finite"),
    "halves": (numbers("f2", 1), r"1 x 16 bits \(gray, floats\)"),
    "doubles": (numbers("f8", 1), r"1 x 64 bits \(gray, floats\)"),
    "64 bits": (numbers("u8", 255), r"1 x 64 bits \(gray, whole numbers\)"),
}


@pytest.mark.parametrize("kind", UNTOLD)
def test_what_does_not_tell_its_scale_is_refused(kind: str, tmp_path: Path) -> None:
    array, says = UNTOLD[kind]
    path = write(tmp_path / "a.tif", array)
    for read in (load_image, load_pixels):
        with pytest.raises(InputError, match=says) as caught:
            read(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["f4", "f2", "u4", "i2", "i1"])
def test_colors_of_other_numbers_are_refused_by_their_name(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers(kind, 1, RGB), photometric="rgb")
    bits = 8 * np.dtype(kind).itemsize
    what = {"f": "floats", "u": "whole numbers", "i": "whole numbers with a sign"}[kind[0]]
    with pytest.raises(InputError, match=rf"a\.tif .*3 x {bits} bits \(RGB, {what}\).*save it as"):
        load_image(path)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_colors_in_planes_are_right_or_refused(kind: str, order: str, tmp_path: Path) -> None:
    planes = np.ascontiguousarray(np.moveaxis(numbers(kind, np.iinfo(kind).max, RGB), 2, 0))
    options = {"photometric": "rgb", "planarconfig": "separate", "byteorder": order}
    path = write(tmp_path / "a.tif", planes, **options)
    if kind == "u2":  # PIL takes the second byte of each number for another pixel
        with pytest.raises(InputError, match=r"a\.tif .*3 x 16 bits.*plane of its own"):
            load_image(path)
        return
    found = load_image(path).rgb[0].permute(1, 2, 0).double().numpy()
    np.testing.assert_allclose(found, RGB, atol=0.6 / 255)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("kind", ["u1", "u2"])
def test_alpha_of_a_tiff_may_be_multiplied_in(
    kind: str, alpha: str, order: str, tmp_path: Path
) -> None:
    seen = np.where(GRAY > 0.5, 1, 0.4)[..., None]
    colors = RGB * seen if alpha == "assocalpha" else RGB
    array = numbers(kind, np.iinfo(kind).max, np.concatenate([colors, seen], 2))
    options = {"photometric": "rgb", "extrasamples": [alpha], "byteorder": order}
    picture = load_image(write(tmp_path / "a.tif", array, **options))
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha[0, 0].double(), seen[..., 0], atol=1.1 / 255)
    found = picture.rgb[0].permute(1, 2, 0).double().numpy()
    np.testing.assert_allclose(found, RGB, atol=3.5 / 255)  # 8 bits, divided by 0.4


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_gray_with_alpha_of_a_tiff(alpha: str, tmp_path: Path) -> None:
    seen = np.where(GRAY > 0.5, 1, 0.4)
    array = np.stack([GRAY * seen if alpha == "assocalpha" else GRAY, seen], 2)
    options: dict[str, Any] = {"planarconfig": "contig", "extrasamples": [alpha]}
    picture = load_image(write(tmp_path / "a.tif", numbers("u1", 255, array), **options))
    np.testing.assert_allclose(picture.rgb[0, 0].double(), GRAY, atol=3.5 / 255)
    write(tmp_path / "b.tif", numbers("u2", 65535, array), **options)
    with pytest.raises(InputError, match=r"b\.tif is a TIFF of 2 x 16 bits \(gray"):
        load_image(tmp_path / "b.tif")


@pytest.mark.parametrize("bits", [16, 8])
def test_inks_of_a_tiff(bits: int, tmp_path: Path) -> None:
    inks = np.concatenate([1 - RGB, np.zeros((20, 24, 1))], 2)
    array = numbers(f"u{bits // 8}", 2**bits - 1, inks)
    found = load_image(write(tmp_path / "a.tif", array, photometric="separated")).rgb[0]
    np.testing.assert_allclose(found.permute(1, 2, 0).double(), RGB, atol=1.1 / 255)


def test_the_largest_number_by_a_files_own_account_is_white(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbers("u2", 4095), extratags=[(281, "H", 1, 4095, True)])
    with pytest.warns(FstWarning, match=r"a\.tif: 4095 is taken for white"):
        found = shown(path)
    np.testing.assert_allclose(found, GRAY, atol=1e-3)


@pytest.mark.parametrize(("photometric", "becomes"), [("minisblack", "black"), ("rgb", "black")])
@pytest.mark.parametrize("largest", [4095, 200])
def test_twelve_bits_in_sixteen_are_said(
    largest: int, photometric: str, becomes: str, tmp_path: Path
) -> None:
    image = RGB if photometric == "rgb" else GRAY
    path = write(tmp_path / "a.tif", numbers("u2", largest, image), photometric=photometric)
    if photometric == "rgb" and largest < 256:
        load_image(path)  # all black, by the upper 8 bits that PIL keeps
        return
    with pytest.warns(FstWarning, match=rf"a\.tif comes out nearly {becomes}.*12 of its 16"):
        found = load_image(path).rgb[0].permute(1, 2, 0).double().numpy()
    expected = np.broadcast_to(image.reshape(20, 24, -1), (20, 24, 3)) * largest / 65535
    np.testing.assert_allclose(found, expected, atol=1.1 / 255)


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


# --- PNG ------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path: Path, bits: int, color: int, rows: list[bytes], extra: bytes = b"") -> Path:
    """A PNG of 24 x 20 pixels (PNG specification, section 11)."""
    header = struct.pack(">IIBBBBB", 24, 20, bits, color, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = chunk(b"IHDR", header) + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    return path


def packed(values: NDArray[Any], bits: int) -> list[bytes]:
    """Rows of numbers of fewer than 8 bits."""
    weights = 1 << np.arange(8 - bits, -1, -bits)
    return [bytes((row.reshape(-1, 8 // bits) * weights).sum(1).tolist()) for row in values]


@pytest.mark.parametrize("clear", [None, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 16])
def test_gray_pngs_of_every_depth_and_their_transparent_gray(
    bits: int, clear: int | None, tmp_path: Path
) -> None:
    white = 2**bits - 1
    values = (GRAY * white).round().astype(int)
    values[3, 4] = 1
    rows = [row.astype(">u2").tobytes() for row in values] if bits == 16 else packed(values, bits)
    extra = b"" if clear is None else chunk(b"tRNS", struct.pack(">H", clear))
    picture = load_image(png(tmp_path / "a.png", bits, 0, rows, extra))
    seen = values != clear if clear is not None else np.ones_like(values, bool)
    if clear is None:
        assert picture.alpha is None
    else:
        assert picture.alpha is not None
        np.testing.assert_array_equal(picture.alpha[0, 0].numpy(), seen)
    np.testing.assert_allclose(picture.rgb[0, 0].double()[seen], (values / white)[seen], atol=1e-6)


def test_a_transparent_color_of_sixteen_bits(tmp_path: Path) -> None:
    values = (RGB * 65535).round().astype(">u2")
    values[3:6, 4:9] = clear = (0x1234, 0x5678, 0x9ABC)
    extra = chunk(b"tRNS", struct.pack(">HHH", *clear))
    picture = load_image(png(tmp_path / "a.png", 16, 2, [row.tobytes() for row in values], extra))
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha[0, 0] == 0, (values == clear).all(2))


def test_gray_and_alpha_of_sixteen_bits(tmp_path: Path) -> None:
    values = (np.stack([GRAY, np.where(GRAY > 0.5, 1, 0.4)], 2) * 65535).round().astype(">u2")
    picture = load_image(png(tmp_path / "a.png", 16, 4, [row.tobytes() for row in values]))
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.rgb[0, 1].double(), GRAY, atol=1.1 / 255)
    np.testing.assert_allclose(picture.alpha[0, 0].double(), values[..., 1] / 65535, atol=1.1 / 255)


def test_a_dark_png_of_sixteen_bits_is_said(tmp_path: Path) -> None:
    values = (RGB * 4095).round().astype(">u2")
    path = png(tmp_path / "a.png", 16, 2, [row.tobytes() for row in values])
    with pytest.warns(FstWarning, match=r"a\.png comes out nearly black"):
        load_image(path)


# --- PGM, PFM, and pictures that come from PIL ----------------------------------------------------


@pytest.mark.parametrize("white", [100, 255, 1023, 65535])
def test_a_pgm_says_what_is_white(white: int, tmp_path: Path) -> None:
    values = (GRAY * white).round().astype("u1" if white < 256 else ">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 24 20 %d\n" % white + values.tobytes())
    np.testing.assert_allclose(shown(tmp_path / "a.pgm"), values / white, atol=0.51 / 100)


def test_a_dark_pgm_is_no_bright_one(tmp_path: Path) -> None:
    values = (GRAY * 200).round().astype(">u2")
    (tmp_path / "a.pgm").write_bytes(b"P5 24 20 65535\n" + values.tobytes())
    with pytest.warns(FstWarning, match="nearly black"):
        found = load_image(tmp_path / "a.pgm").rgb
    np.testing.assert_allclose(found[0, 0].double(), values / 65535, atol=1e-6)


def test_a_pfm_holds_floats(tmp_path: Path) -> None:
    pixels = GRAY[::-1].astype("<f4").tobytes()
    (tmp_path / "a.pfm").write_bytes(b"Pf\n24 20\n-1.0\n" + pixels)
    np.testing.assert_allclose(shown(tmp_path / "a.pfm"), GRAY, atol=1e-6)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pictures_of_pil_with_sixteen_bits(order: str) -> None:
    image = Image.fromarray((GRAY * 65535).round().astype(f"{order}u2"))
    assert image.mode.startswith("I;16")
    np.testing.assert_allclose(from_pil(image).rgb[0, 0].double(), GRAY, atol=1e-4)


@pytest.mark.parametrize("mode", ["I", "F"])
@pytest.mark.parametrize("white", [255, 65535])
def test_pictures_of_pil_with_32_bits_are_scaled_by_what_they_hold(mode: str, white: int) -> None:
    array = (GRAY * white).round().astype("i4" if mode == "I" else "f4")
    image = Image.fromarray(array)
    assert image.mode == mode
    with pytest.warns(FstWarning, match=f"{white} is taken for white"):
        found = from_pil(image).rgb
    np.testing.assert_allclose(found[0, 0].double(), GRAY, atol=0.51 / white)


def test_a_photo_that_pil_made_32_bits_of_is_the_same_photo() -> None:
    photo = Image.fromarray((GRAY * 255).round().astype(np.uint8))
    with pytest.warns(FstWarning, match="255 is taken for white"):
        found = from_pil(photo.convert("I")).rgb
    torch.testing.assert_close(found, from_pil(photo).rgb)
