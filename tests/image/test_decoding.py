"""fst.image.decoding: what goes wrong on the way from a file to its pixels is one line."""

import os
import struct
import zlib
from base64 import b64decode
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from support import encoded, make_photo

from fst.errors import FstWarning, InputError
from fst.image.decoding import decoded
from fst.image.formats import png_bits
from fst.image.io import load_image, load_pixels


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "a.png")
    for read in (load_image, load_pixels):
        with pytest.raises(InputError, match=r"a\.png is no file, but a pipe or a device"):
            read(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (MemoryError(), "can't be decoded: there is too little memory for it"),
        (IndexError("index out of range"), "can't be decoded: index out of range"),
        (KeyError(7), "can't be decoded: 7"),
        (OverflowError(), "can't be decoded: OverflowError"),
        (OSError(5, "Input/output error"), "can't be read: Input/output error"),
        (ValueError("two\nlines" + 1000 * "x"), "can't be decoded: two lines"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_decoder_raises_is_one_line(
    problem: Exception, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: PngImageFile) -> object:
        raise problem

    make_photo().save(tmp_path / "a.png")
    monkeypatch.setattr(PngImageFile, "load", fail)
    for read in (load_image, load_pixels):
        with pytest.raises(InputError) as caught:
            read(tmp_path / "a.png")
        message = str(caught.value)
        assert message.startswith(f"{tmp_path / 'a.png'} {says}")
        assert "\n" not in message
        assert len(message) < 400


def test_a_bug_of_ours_keeps_its_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class OurBugError(Exception):
        pass

    def fail(image: PngImageFile) -> object:
        raise OurBugError

    make_photo().save(tmp_path / "a.png")
    monkeypatch.setattr(PngImageFile, "load", fail)
    with pytest.raises(OurBugError):
        load_image(tmp_path / "a.png")


def test_the_file_is_closed_and_named(tmp_path: Path) -> None:
    make_photo(48, 40).save(tmp_path / "a.png")
    with decoded(tmp_path / "a.png", 10**6, 16, None) as (image, tags, name):
        assert (image.size, tags, name) == ((48, 40), {}, str(tmp_path / "a.png"))
    with (tmp_path / "a.png").open("rb") as file, decoded(file, 10**6, 16, "b") as found:
        assert found[2] == "b"


def resized_header(kind: str, width: int, height: int) -> bytes:
    """A file of 24 x 20 pixels whose header says that they are more."""
    content = bytearray(encoded(make_photo(24, 20), kind))
    if kind == "JPEG":
        struct.pack_into(">HH", content, content.index(b"\xff\xc0") + 5, height, width)
        return bytes(content)
    struct.pack_into(">II", content, 16, width, height)
    struct.pack_into(">I", content, 29, zlib.crc32(content[12:29]))
    return bytes(content)


@pytest.mark.parametrize(
    ("kind", "width", "height"),
    [("JPEG", 14_000, 14_000), ("JPEG", 3000, 3000), ("PNG", 24, 3_000_000), ("PNG", 24, 900_000)],
)
def test_pixels_that_a_file_has_no_room_for_are_not_made_up(
    kind: str, width: int, height: int
) -> None:
    content = resized_header(kind, width, height)
    with pytest.raises(InputError, match=rf"its {len(content)} bytes have no room for {width}x"):
        load_image(BytesIO(content))


def test_a_webp_larger_than_any_encoder_writes_is_refused() -> None:
    frames = [make_photo(24, 20), make_photo(24, 20, seed=1)]
    animation = encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    place = animation.index(b"VP8X") + 12
    wide = animation[:place] + (2_000_000 - 1).to_bytes(3, "little") + animation[place + 3 :]
    with pytest.warns(FstWarning), pytest.raises(InputError, match="no WebP is as large"):
        load_image(BytesIO(wide), name="a wide one")


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "P", "RGBA", "I;16"])
def test_the_emptiest_pictures_have_room(mode: str) -> None:
    """Nothing is packed more tightly than black all over."""
    black = Image.new(mode, (3000, 2000))
    content = encoded(black, "PNG", optimize=True)
    assert load_image(BytesIO(content)).size == (3000, 2000)
    if mode in ("L", "RGB"):
        content = encoded(black, "JPEG", progressive=True, optimize=True, quality=5)
        assert load_image(BytesIO(content)).size == (3000, 2000)


ARITHMETIC = """
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRT
c4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/yQALCAJYAyABAREA/8wABgAQEAX/2gAIAQEAAD8A0lco1Sj/2Q==
"""
"""800x600 of gray 200, as libjpeg-turbo writes it: cjpeg -arithmetic -grayscale -quality 50."""


def test_arithmetic_code_packs_more_tightly_than_huffmans() -> None:
    picture = load_image(BytesIO(b64decode(ARITHMETIC)))
    assert picture.size == (800, 600)
    assert set(picture.rgb.mul(255).round().unique().tolist()) == {200.0}


@pytest.mark.parametrize(
    ("layout", "bits"),
    [("1", 1), ("P;1", 1), ("L;2", 2), ("P;4", 4), ("L", 8), ("I;16B", 16), ("LA", 16),
     ("RGB", 24), ("LA;16B", 32), ("RGBA", 32), ("RGB;16B", 48), ("RGBA;16B", 64)],
)  # fmt: skip
def test_the_bits_of_a_pngs_pixel(layout: str, bits: int) -> None:
    assert png_bits(layout) == bits
