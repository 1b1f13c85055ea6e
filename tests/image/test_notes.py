"""fst.image.notes: EXIF and the size in print go from the photo's file to the painted picture's."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from support import make_photo

from fst.image.io import load_image, save_image
from fst.image.picture import resize


def exif(**more: Any) -> Image.Exif:
    """As a phone held upright writes it."""
    found = Image.Exif()
    found[Base.Make], found[Base.Model] = "Maker", "Model 5"
    found[Base.Orientation] = 6
    details = found.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = "2026:01:02 03:04:05"
    details[Base.ExifImageWidth], details[Base.ExifImageHeight] = 48, 40
    found.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] = "N"
    return found


@pytest.mark.parametrize("source", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("target", [".jpg", ".png", ".webp"])
def test_what_the_camera_noted_goes_along(source: str, target: str, tmp_path: Path) -> None:
    make_photo(48, 40).save(tmp_path / f"a{source}", exif=exif())
    picture = load_image(tmp_path / f"a{source}")
    assert picture.size == (40, 48)
    painted = resize(replace(picture, rgb=1 - picture.rgb), 24)
    save_image(tmp_path / f"b{target}", painted)
    with Image.open(tmp_path / f"b{target}") as image:
        assert image.size == (20, 24)
        found = image.getexif()
        assert (found[Base.Make], found[Base.Model]) == ("Maker", "Model 5")
        assert found.get(Base.Orientation, 1) == 1  # it is upright by now
        details = found.get_ifd(IFD.Exif)
        assert details[Base.DateTimeOriginal] == "2026:01:02 03:04:05"
        assert Base.ExifImageWidth not in details  # it has another size
        assert IFD.GPSInfo not in found  # nobody is told where
        assert not found.get_ifd(IFD.GPSInfo)
    assert b"GPS" not in (tmp_path / f"b{target}").read_bytes()
    again = load_image(tmp_path / f"b{target}")
    assert again.size == (20, 24)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_the_size_in_print_goes_along(suffix: str, tmp_path: Path) -> None:
    make_photo().save(tmp_path / f"a{suffix}", dpi=(300, 200))
    picture = load_image(tmp_path / f"a{suffix}")
    assert picture.dpi == pytest.approx((300, 200), abs=0.1)
    for target in (".jpg", ".png", ".tif"):
        save_image(tmp_path / f"b{target}", picture)
        with Image.open(tmp_path / f"b{target}") as image:
            assert image.info["dpi"] == pytest.approx((300, 200), abs=0.6)


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
    for suffix in (".jpg", ".png", ".webp", ".tif"):
        save_image(tmp_path / f"b{suffix}", picture)
        assert load_image(tmp_path / f"b{suffix}").size == picture.size


def test_notes_that_a_jpeg_has_no_room_for_are_left_out(tmp_path: Path) -> None:
    noted = exif()
    noted[Base.ImageDescription] = "x" * 70_000
    make_photo().save(tmp_path / "a.png", exif=noted)
    save_image(tmp_path / "b.jpg", load_image(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.jpg") as image:
        assert len(image.getexif()) == 0


@pytest.mark.parametrize("dpi", [(0, 0), (1, 1), (1e9, 300)])
def test_a_size_in_print_that_cannot_be_is_left_out(
    dpi: tuple[float, float], tmp_path: Path
) -> None:
    make_photo().save(tmp_path / "a.tif", dpi=dpi)
    assert load_image(tmp_path / "a.tif").dpi is None


def test_a_tiffs_own_tags_are_no_notes(tmp_path: Path) -> None:
    make_photo().save(tmp_path / "a.tif", compression="tiff_lzw")
    assert load_image(tmp_path / "a.tif").exif is None
