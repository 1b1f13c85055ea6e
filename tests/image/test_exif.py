"""fst.image.exif: EXIF past what PIL loses; a TIFF's tags as another library reads them."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from support import make_photo

from fst.image.exif import LONGEST_VALUE, add_to_tiff, dump_exif, load_exif, sound

TAGS = {Base.Make: "Maker", Base.Artist: "JÃ¶rg"}  # UTF-8, read as Latin-1
DETAILS = {Base.FNumber: 2.5, Base.DateTimeOriginal: "2026:01:02 03:04:05"}
PLACE = {GPS.GPSLatitudeRef: "N"}


def content() -> bytes:
    return dump_exif(
        sound(TAGS, TAGS), sound(DETAILS, DETAILS, IFD.Exif), sound(PLACE, PLACE, IFD.GPSInfo)
    )


def test_texts_are_written_as_they_were_read() -> None:
    for _ in range(2):
        again = load_exif(content())
        details, place = again.get_ifd(IFD.Exif), again.get_ifd(IFD.GPSInfo)
        tags = {tag: again[tag] for tag in again if tag not in (IFD.Exif, IFD.GPSInfo)}
        assert (tags, details, place) == (TAGS, DETAILS, PLACE)
        assert dump_exif(tags, details, place) == content()
    assert "Jörg".encode() in content()
    assert dump_exif({}, {}) == b""


def test_a_value_that_cannot_be_written_is_left_out_alone() -> None:
    odd = {Base.Make: "Maker", Base.Model: object(), Base.Artist: "\u6c34", Base.Copyright: None}
    long = {Base.ImageDescription: "x" * LONGEST_VALUE}
    assert sound({**odd, **long}, [*odd, *long]) == {Base.Make: "Maker"}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_another_library_reads_what_was_added(
    order: str, compression: str | None, tmp_path: Path
) -> None:
    """In either order of bytes, and with the second page as it was."""
    photo = np.asarray(make_photo())
    with tifffile.TiffWriter(tmp_path / "a.tif", byteorder=order) as file:
        for page in (photo, 255 - photo):
            file.write(page, photometric="rgb", compression=compression, metadata=None)
    add_to_tiff(tmp_path / "a.tif", content())
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        first, second = file.pages
        assert np.array_equal(first.asarray(), photo)
        assert np.array_equal(second.asarray(), 255 - photo)
        assert first.tags["Make"].value == "Maker"
        assert first.tags["Artist"].value == "Jörg"
        assert first.tags["ExifTag"].value["DateTimeOriginal"] == "2026:01:02 03:04:05"
        assert first.tags["GPSTag"].value == {"GPSLatitudeRef": "N"}
        numbers = [tag.code for tag in first.tags]
        assert numbers == sorted(set(numbers))


def test_tags_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    make_photo().save(tmp_path / "a.tif", dpi=(300, 300), compression="tiff_lzw")
    wrong = {Base.ImageWidth: 7, Base.XResolution: 1.0, Base.Make: "Maker"}
    add_to_tiff(tmp_path / "a.tif", dump_exif(wrong, {}))
    with Image.open(tmp_path / "a.tif") as image:
        assert image.size == (48, 40)
        assert image.info["dpi"] == (300, 300)
        assert image.getexif()[Base.Make] == "Maker"


def test_what_is_no_tiff_is_left_as_it_is(tmp_path: Path) -> None:
    make_photo().save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    add_to_tiff(tmp_path / "a.png", content())
    assert (tmp_path / "a.png").read_bytes() == before
