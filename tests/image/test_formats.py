"""fst.image.formats: what is read and what is not, told by a file's content, whatever its name."""

import ast
import io
import struct
import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
import pytest
import tifffile
from PIL import EpsImagePlugin, Image, ImageCms, UnidentifiedImageError, features
from support import ROOT, encoded, make_photo

from fst import assets
from fst.data.sources import decode
from fst.errors import FstWarning, InputError
from fst.image import formats
from fst.image.formats import READ
from fst.image.io import load_image, load_pixels
from fst.image.sheet import write_contact_sheet

EPS_WITH_A_PROGRAM = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 40 40
%%EndComments
(/tmp/written) (w) file closefile
showpage
"""

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)

KINDS = {
    "JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp", "TIFF": ".tif", "GIF": ".gif", "BMP": ".bmp",
    "JPEG2000": ".jp2", "AVIF": ".avif", "PPM": ".ppm",
}  # fmt: skip


def openers() -> dict[str, Callable[[Path, bytes], object]]:
    """Every way in which fst opens a picture."""
    return {
        "a photo": lambda path, _: load_image(path),
        "an open file": lambda _, content: load_image(io.BytesIO(content)),
        "a record's path": lambda path, _: decode({"path": str(path), "bytes": None}),
        "a record's bytes": lambda path, content: decode({"path": str(path), "bytes": content}),
        "a painting": lambda path, _: load_pixels(path),
    }


FOREIGN = ("EPS", "PCX", "TGA", "ICO", "SGI", "DDS", "PDF", "a program")
"""Kinds that PIL knows, and that are not read."""


def foreign(kind: str) -> bytes:
    """A file of such a kind."""
    return EPS_WITH_A_PROGRAM if kind == "a program" else encoded(make_photo(40, 40), kind)


@pytest.fixture
def no_ghostscript(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whatever of an EPS gets as far as Ghostscript."""
    reached: list[object] = []

    def ghostscript(*arguments: object, **_: object) -> object:
        reached.append(arguments)
        return make_photo(40, 40).im

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", ghostscript)
    return reached


@pytest.mark.parametrize("way", openers())
@pytest.mark.parametrize("kind", FOREIGN)
def test_what_is_not_in_the_list_is_refused_whatever_it_is_called(
    kind: str, way: str, tmp_path: Path, no_ghostscript: list[object]
) -> None:
    content = foreign(kind)
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        openers()[way](path, content)
    message = str(caught.value)
    assert "\n" not in message
    assert "is not a picture of a kind that is read" in message
    assert all(word in message for word in ("JPEG", "PNG", "WebP", "TIFF", "HEIC"))
    assert no_ghostscript == []


def test_pil_alone_would_have_run_the_program(tmp_path: Path, no_ghostscript: list[object]) -> None:
    (tmp_path / "photo.jpg").write_bytes(EPS_WITH_A_PROGRAM)
    with Image.open(tmp_path / "photo.jpg") as image:
        image.load()
    assert len(no_ghostscript) == 1


def test_the_previews_of_a_contact_sheet_are_opened_the_same_way(
    tmp_path: Path, no_ghostscript: list[object]
) -> None:
    (tmp_path / "step_000010.png").write_bytes(EPS_WITH_A_PROGRAM)
    write_contact_sheet(tmp_path, 1)
    assert not (tmp_path / "contact_sheet.png").exists()
    assert no_ghostscript == []


def test_nothing_else_in_fst_opens_pictures() -> None:
    opened = []
    for file in (ROOT / "fst").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Image.open"):
                named = {keyword.arg for keyword in node.keywords}
                opened.append((file.name, "formats" in named))
    # of clips, and pictures that were written by fst itself: one format each
    own = {"animation.py", "animation_files.py", "gif.py", "record.py"}
    own |= {"animated.py", "optimized.py"}
    assert all(named for _, named in opened)
    assert [name for name, _ in opened if name not in own] == ["formats.py"] * 2


@pytest.mark.parametrize("kind", READ)
def test_every_kind_in_the_list_is_read_by_its_content(kind: str, tmp_path: Path) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    photo = make_photo(40, 32)
    options = {"lossless": True} if kind == "WEBP" else {}
    content = encoded(photo, kind, **options)
    for name in (f"a{KINDS[kind]}", "a.jpg", "noname"):
        (tmp_path / name).write_bytes(content)
        pixels = load_pixels(tmp_path / name).permute(1, 2, 0).numpy().astype(int)
        assert np.abs(pixels - np.asarray(photo)).mean() < (12 if kind == "GIF" else 8)


def test_every_kind_in_the_list_is_found_in_a_folder(tmp_path: Path) -> None:
    for suffix in KINDS.values():
        (tmp_path / f"a{suffix}").touch()
    found = {path.suffix for path in assets.list_images(tmp_path)}
    assert found == set(KINDS.values()) - {".ppm"}  # what cameras and phones never write


def test_a_layout_of_tiff_that_pil_cannot_read_says_what_to_do(tmp_path: Path) -> None:
    content = bytearray(encoded(make_photo(), "TIFF"))
    bits = content.index(b"\x02\x01\x03\x00\x03\x00")  # tag 258, BitsPerSample, three numbers
    offset = int.from_bytes(content[bits + 8 : bits + 12], "little")
    content[offset : offset + 6] = b"\x20\0\x20\0\x20\0"  # 32 bits each
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(UnidentifiedImageError):
        Image.open(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"a\.tif .*TIFF of 3 x 32 bits \(RGB.* 8 or 16 bits"):
        load_image(tmp_path / "a.tif")


def patched(tiff: bytes, tag: int, value: int) -> bytes:
    """The TIFF with another value, of 16 or 32 bits, of a tag of one number."""
    (count,) = struct.unpack_from("<H", tiff, place := struct.unpack_from("<I", tiff, 4)[0])
    for entry in range(place + 2, place + 2 + 12 * count, 12):
        found, kind, numbers = struct.unpack_from("<HHI", tiff, entry)
        if (found, numbers) == (tag, 1):
            new = struct.pack("<HHII", tag, kind, 1, value)
            return tiff[:entry] + new + tiff[entry + 12 :]
    raise ValueError(f"no tag {tag}")


HEIGHT = 257


@pytest.mark.parametrize("height", [50, 3_000_000])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_a_tiff_with_parts_missing_is_not_half_black(
    planes: str, height: int, tmp_path: Path
) -> None:
    array = np.asarray(make_photo(24, 20))
    if planes == "separate":
        array = np.ascontiguousarray(np.moveaxis(array, 2, 0))
    options = {"photometric": "rgb", "planarconfig": planes, "rowsperstrip": 20}
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    content = (tmp_path / "a.tif").read_bytes()
    load_image(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_bytes(patched(content, HEIGHT, height))
    with pytest.raises(InputError, match=rf"a\.tif can't be decoded: of its 24x{height} pixels"):
        load_image(tmp_path / "a.tif")


# --- PNG with much text ---------------------------------------------------------------------------


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def with_chunk(png: bytes, chunk: bytes, behind: bool) -> bytes:
    """The PNG with a chunk before its pixels, or behind them."""
    place = png.index(b"IEND" if behind else b"IDAT") - 4
    return png[:place] + chunk + png[place:]


BOMB = zlib.compress(bytes(80_000_000))
"""80 MB in 80 kB: more than PIL lets texts have together."""

TEXTS = {
    "3 MB": png_chunk(b"tEXt", b"project\0" + b"x" * 3_000_000),
    "3 MB packed": png_chunk(b"zTXt", b"project\0\0" + zlib.compress(b"x" * 3_000_000)),
    "3 MB of another tongue": png_chunk(b"iTXt", b"project\0\0\0\0\0" + b"x" * 3_000_000),
    "a bomb": png_chunk(b"zTXt", b"project\0\0" + BOMB),
    "a bomb of another tongue": png_chunk(b"iTXt", b"project\0\1\0\0\0" + BOMB),
    "a bomb of a profile": png_chunk(b"iCCP", b"sRGB\0\0" + BOMB),
    "many": png_chunk(b"tEXt", b"project\0" + b"x" * 30_000_000) * 3,
}


@pytest.mark.parametrize(
    ("kind", "behind"),
    [*((kind, False) for kind in TEXTS), ("3 MB packed", True), ("a bomb", True)],
)
def test_a_png_may_carry_any_text(kind: str, behind: bool, tmp_path: Path) -> None:
    photo = make_photo()
    path = tmp_path / "a.png"
    path.write_bytes(with_chunk(encoded(photo), TEXTS[kind], behind))
    found = load_image(path).rgb[0] * 255
    np.testing.assert_array_equal(found.round().permute(1, 2, 0).numpy(), np.asarray(photo))


def test_pils_limit_of_text_is_back_afterwards() -> None:
    png = with_chunk(encoded(make_photo()), TEXTS["3 MB packed"], False)
    assert load_pixels(io.BytesIO(png)).shape == (3, 40, 48)
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):
        Image.open(io.BytesIO(png))


def test_a_png_whose_texts_are_left_out_keeps_its_profile() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    png = with_chunk(encoded(make_photo(), icc_profile=profile), TEXTS["a bomb"], True)
    assert load_image(io.BytesIO(png)).icc_profile == profile


# --- HEIC ----------------------------------------------------------------------------------------


@pytest.fixture
def without_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


@pytest.mark.usefixtures("without_heif")
@pytest.mark.parametrize("way", openers())
def test_heic_without_the_package_says_what_to_install(way: str, tmp_path: Path) -> None:
    (tmp_path / "IMG_0001.jpg").write_bytes(HEIC)
    with pytest.raises(InputError, match=r"HEIC.*pip install pillow-heif") as caught:
        openers()[way](tmp_path / "IMG_0001.jpg", HEIC)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("without_heif")
def test_a_folder_says_how_many_pictures_are_left_out(tmp_path: Path) -> None:
    for name in ("a.HEIC", "b.heif", "c.jpg"):
        (tmp_path / name).touch()
    with pytest.warns(FstWarning, match=r"2 of 3 pictures.*HEIC.*pip install pillow-heif"):
        assert assets.list_images(tmp_path) == [tmp_path / "c.jpg"]
    (tmp_path / "c.jpg").unlink()
    with pytest.raises(InputError, match=r"2 of 2 pictures.*pip install pillow-heif"):
        assets.list_images(tmp_path)


def test_with_the_package_a_folder_has_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assets, "find_spec", lambda name: SimpleNamespace(name=name))
    for name in ("a.HEIC", "b.heif", "c.jpg"):
        (tmp_path / name).touch()
    assert len(assets.list_images(tmp_path)) == 3


def test_the_opener_for_heic_is_registered_when_the_first_is_met(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package itself is replaced: it may not be installed."""
    photo, registered = make_photo(40, 32), []

    def opened(file: IO[bytes], name: str) -> Image.Image:
        file.close()
        return photo.copy()

    def register() -> None:
        registered.append(True)
        Image.register_open("HEIF", opened, lambda start: start[4:8] == b"ftyp")

    def imported(name: str) -> Any:
        assert name == "pillow_heif"
        return SimpleNamespace(register_heif_opener=register)

    monkeypatch.setattr(Image, "OPEN", {k: v for k, v in Image.OPEN.items() if k != "HEIF"})
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setattr(formats, "has_heif", lambda: True)
    monkeypatch.setattr(formats, "importlib", SimpleNamespace(import_module=imported))
    (tmp_path / "a.png").write_bytes(encoded(photo))
    (tmp_path / "a.heic").write_bytes(HEIC)
    load_image(tmp_path / "a.png")
    assert registered == []
    for _ in range(2):
        assert load_image(tmp_path / "a.heic").size == (40, 32)
    assert registered == [True]


def test_heic_is_read_with_the_package(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    photo = make_photo(64, 48)
    upright = np.asarray(photo).astype(int)
    heif.from_pillow(photo).save(tmp_path / "a.heic", quality=95)
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.heic").read_bytes())  # as some apps name them
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("a.heic", "b.jpg"):
            pixels = load_pixels(tmp_path / name).permute(1, 2, 0).numpy().astype(int)
            assert np.abs(pixels - upright).mean() < 8
    (tmp_path / "fake.heic").write_bytes(HEIC)
    with pytest.raises(InputError, match=r"fake\.heic can't be decoded.*HEIC"):
        load_image(tmp_path / "fake.heic")
