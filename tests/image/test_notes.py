"""fst.image.notes: what goes from the photo's file to the painted picture's, and what does not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo
from support import make_photo

from fst.image.io import load_image, save_image
from fst.image.picture import resize

WRITTEN = [".jpg", ".png", ".webp", ".tif"]
SECRETS = (b"maker's own notes", b"serial 77", b"Karl's phone", b"CELLID", b"a comment")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" exif:GPSLatitude="48,8N">CELLID</x:xmpmeta>'


def exif(orientation: int = 6, **more: Any) -> Image.Exif:
    """As a phone held upright writes it."""
    found = Image.Exif()
    found[Base.Make], found[Base.Model] = "Maker", "Model 5"
    found[Base.Copyright] = "© Jörg".encode()
    found[Base.ImageDescription] = "At home"
    found[Base.Orientation], found[Base.HostComputer] = orientation, "Karl's phone"
    details = found.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = "2026:01:02 03:04:05"
    details[Base.OffsetTimeOriginal] = "+01:00"
    details[Base.FNumber], details[Base.ExposureBiasValue] = 2.5, -0.5
    details[Base.ExifImageWidth], details[Base.ExifImageHeight] = 48, 40
    details[Base.MakerNote], details[Base.BodySerialNumber] = b"maker's own notes", "serial 77"
    details[Base.UserComment] = b"ASCII\0\0\0a comment"
    place = found.get_ifd(IFD.GPSInfo)
    place[GPS.GPSLatitudeRef], place[GPS.GPSLatitude] = "N", (48.0, 8.0, 1.5)
    place[GPS.GPSProcessingMethod] = b"ASCII\0\0\0CELLID"
    return found


def write(path: Path, **options: Any) -> Path:
    """A photo with all that a phone notes, and the place in an XMP packet, too."""
    if path.suffix in (".tif", ".png"):
        noted = exif()
        noted[Base.XMLPacket] = XMP
        texts = PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
        texts.add_text("Comment", "a comment")
        content = noted.tobytes()  # PIL loses half of the object's
        make_photo(48, 40).save(path, exif=content, pnginfo=texts, compression="raw", **options)
    else:
        make_photo(48, 40).save(path, exif=exif(), xmp=XMP, comment=b"a comment", **options)
    return path


@pytest.mark.parametrize("source", [*WRITTEN, ".avif"])
@pytest.mark.parametrize("target", WRITTEN)
def test_what_the_camera_noted_goes_along(source: str, target: str, tmp_path: Path) -> None:
    picture = load_image(write(tmp_path / f"a{source}"))
    assert picture.size == (40, 48)
    painted = resize(replace(picture, rgb=1 - picture.rgb), 24)
    save_image(tmp_path / f"b{target}", painted)
    with Image.open(tmp_path / f"b{target}") as image:
        assert image.size == (20, 24)
        found = image.getexif()
        assert (found[Base.Make], found[Base.Model]) == ("Maker", "Model 5")
        assert found[Base.ImageDescription] == "At home"
        assert found.get(Base.Orientation, 1) == 1  # it is upright by now
        details = found.get_ifd(IFD.Exif)
        assert details[Base.DateTimeOriginal] == "2026:01:02 03:04:05"
        assert details[Base.OffsetTimeOriginal] == "+01:00"
        assert (details[Base.FNumber], details[Base.ExposureBiasValue]) == (2.5, -0.5)
        assert Base.ExifImageWidth not in details  # it has another size
        assert IFD.GPSInfo not in found  # nobody is told where
        assert not found.get_ifd(IFD.GPSInfo)
        assert "xmp" not in image.info
        image.load()  # and it is a picture
    again = load_image(tmp_path / f"b{target}")
    assert again.size == (20, 24)
    assert again.location is None


@pytest.mark.parametrize("source", [*WRITTEN, ".avif"])
@pytest.mark.parametrize("target", WRITTEN)
def test_nothing_tells_where_or_who(source: str, target: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{source}")
    assert any(secret in path.read_bytes() for secret in SECRETS)
    save_image(tmp_path / f"b{target}", load_image(path))
    content = (tmp_path / f"b{target}").read_bytes()
    assert [secret for secret in (*SECRETS, b"GPS", b"adobe") if secret in content] == []


@pytest.mark.parametrize("source", [*WRITTEN, ".avif"])
@pytest.mark.parametrize("target", WRITTEN)
def test_the_place_goes_along_where_that_is_asked_for(
    source: str, target: str, tmp_path: Path
) -> None:
    picture = load_image(write(tmp_path / f"a{source}"))
    save_image(tmp_path / f"b{target}", picture, keep_location=True)
    with Image.open(tmp_path / f"b{target}") as image:
        place = image.getexif().get_ifd(IFD.GPSInfo)
        assert place[GPS.GPSLatitudeRef] == "N"
        assert place[GPS.GPSLatitude] == (48.0, 8.0, 1.5)


@pytest.mark.parametrize("target", WRITTEN)
def test_texts_keep_their_bytes(target: str, tmp_path: Path) -> None:
    picture = load_image(write(tmp_path / "a.jpg"))
    save_image(tmp_path / f"b{target}", picture)
    assert "© Jörg".encode() in (tmp_path / f"b{target}").read_bytes()


@pytest.mark.parametrize("name", ["exif", "APP1"])
def test_what_older_programs_wrote_into_a_pngs_text(name: str, tmp_path: Path) -> None:
    content = exif(orientation=1).tobytes()
    texts = PngInfo()
    texts.add_text(f"Raw profile type {name}", f"\n{name}\n{len(content):8d}\n{content.hex()}\n")
    make_photo().save(tmp_path / "a.png", pnginfo=texts)
    save_image(tmp_path / "b.jpg", load_image(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif()[Base.Model] == "Model 5"
        assert not image.getexif().get_ifd(IFD.GPSInfo)


@pytest.mark.parametrize("source", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("target", WRITTEN)
def test_the_size_in_print_goes_along(source: str, target: str, tmp_path: Path) -> None:
    make_photo().save(tmp_path / f"a{source}", dpi=(300, 200))
    picture = load_image(tmp_path / f"a{source}")
    assert picture.dpi == pytest.approx((300, 200), abs=0.1)
    save_image(tmp_path / f"b{target}", picture)
    assert load_image(tmp_path / f"b{target}").dpi == pytest.approx((300, 200), abs=0.6)
    with Image.open(tmp_path / f"b{target}") as image:
        if target != ".webp":  # which has it in its EXIF
            assert image.info["dpi"] == pytest.approx((300, 200), abs=0.6)


def test_the_size_in_print_is_turned_with_the_picture(tmp_path: Path) -> None:
    make_photo(48, 40).save(tmp_path / "a.jpg", dpi=(300, 200), exif=exif(orientation=6))
    noted = exif(orientation=6).tobytes()
    make_photo(48, 40).save(tmp_path / "a.tif", dpi=(300, 200), exif=noted, compression="raw")
    for path in (tmp_path / "a.jpg", tmp_path / "a.tif"):
        picture = load_image(path)
        assert picture.size == (40, 48)
        assert picture.dpi == pytest.approx((200, 300))


def test_a_thumbnail_of_the_photo_stays_behind(tmp_path: Path) -> None:
    noted = exif().tobytes() + b"thumbnail of the photo"
    make_photo().save(tmp_path / "a.jpg", exif=noted)
    kept = load_image(tmp_path / "a.jpg").exif
    assert kept is not None
    assert b"thumbnail" not in kept


@pytest.mark.parametrize(
    "noted",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0" + b"\xff" * 40,
        b"no EXIF at all",
        b"Exif\0\0MM\0*\0\0\0\x08\0\5",
    ],
)
def test_damaged_notes_spoil_no_picture(noted: bytes, tmp_path: Path) -> None:
    make_photo().save(tmp_path / "a.png", exif=noted)
    picture = load_image(tmp_path / "a.png")
    np.testing.assert_allclose(
        picture.rgb[0].permute(1, 2, 0), np.asarray(make_photo()) / 255, atol=1e-6
    )
    for suffix in WRITTEN:
        save_image(tmp_path / f"b{suffix}", picture, keep_location=True)
        assert load_image(tmp_path / f"b{suffix}").size == picture.size


def test_bits_that_are_wrong_in_notes_spoil_no_picture(tmp_path: Path) -> None:
    whole, random = exif().tobytes(), np.random.default_rng(0)
    for _ in range(60):
        noted = bytearray(whole)
        for place in random.integers(6, len(noted), 3):
            noted[place] = random.integers(256)
        make_photo(16, 16).save(tmp_path / "a.webp", exif=bytes(noted))
        picture = load_image(tmp_path / "a.webp")
        for suffix in WRITTEN:
            save_image(tmp_path / f"b{suffix}", picture, keep_location=True)
            assert load_image(tmp_path / f"b{suffix}").rgb.shape == picture.rgb.shape


def test_a_value_without_end_does_not_take_the_others_along(tmp_path: Path) -> None:
    noted = exif()
    noted[Base.ImageDescription] = "x" * 70_000
    make_photo().save(tmp_path / "a.png", exif=noted)
    save_image(tmp_path / "b.jpg", load_image(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif()[Base.Make] == "Maker"
        assert Base.ImageDescription not in image.getexif()


def test_notes_without_end_fit_into_a_jpeg(tmp_path: Path) -> None:
    """Each value as long as it may be, and a place that is longer than all a JPEG holds."""
    noted = exif()
    for tag in (Base.ImageDescription, Base.Artist, Base.Copyright, Base.Model):
        noted[tag] = "x" * 4000
    for tag in (GPS.GPSProcessingMethod, GPS.GPSAreaInformation, GPS.GPSSatellites, GPS.GPSStatus):
        noted.get_ifd(IFD.GPSInfo)[tag] = b"y" * 4000
    for tag in (GPS.GPSMeasureMode, GPS.GPSMapDatum, GPS.GPSDestBearingRef):
        noted.get_ifd(IFD.GPSInfo)[tag] = b"y" * 4000
    make_photo().save(tmp_path / "a.png", exif=noted)
    picture = load_image(tmp_path / "a.png")
    save_image(tmp_path / "b.jpg", picture, record={"format": 1}, keep_location=True)
    with Image.open(tmp_path / "b.jpg") as image:
        assert image.getexif()[Base.Make] == "Maker"


@pytest.mark.parametrize("dpi", [(0, 0), (1, 1), (1e9, 300)])
def test_a_size_in_print_that_cannot_be_is_left_out(
    dpi: tuple[float, float], tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "a.tif", dpi=dpi)
    assert load_image(tmp_path / "a.tif").dpi is None


def test_what_a_tiff_says_of_its_pixels_is_no_note(tmp_path: Path) -> None:
    make_photo().save(tmp_path / "a.tif", compression="tiff_lzw")
    assert load_image(tmp_path / "a.tif").exif is None
