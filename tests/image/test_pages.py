"""fst.image.pages: of several pictures in a file the right one is taken, and said so."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, features
from support import make_photo

from fst.errors import FstWarning, InputError
from fst.image import pages
from fst.image.io import load_image, load_pixels
from fst.inference.masks import read_mask

SUFFIXES = {"GIF": ".gif", "WEBP": ".webp", "PNG": ".png", "TIFF": ".tif", "AVIF": ".avif"}
REDUCED, MASK = 1, 4


def color(picture: Any) -> tuple[int, ...]:
    """What it is on average, of 255."""
    return tuple(round(255 * value) for value in picture.rgb.mean((0, 2, 3)).tolist())


def write_pages(path: Path, sizes: list[tuple[int, int]], **marks: Any) -> Path:
    """A TIFF of flat gray pages of 40, 60, 80 …; ``marks`` are the pages' NewSubfileType."""
    with tifffile.TiffWriter(path) as file:
        for number, (width, height) in enumerate(sizes):
            page = np.full((height, width), 40 + 20 * number, np.uint8)
            mark = marks.get(f"page{number}", 0)
            if mark == MASK:
                file.write(page > 0, photometric="mask", subfiletype=MASK, metadata=None)
                continue
            options = {"photometric": "minisblack", "subfiletype": mark}
            file.write(page, metadata=None, contiguous=False, **options)
    return path


@pytest.mark.parametrize("kind", SUFFIXES)
def test_of_several_pictures_the_first_is_taken_and_said_so_once(kind: str, tmp_path: Path) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    several = [Image.new("RGB", (40, 32), color) for color in ("red", "lime", "blue")]
    path = tmp_path / f"a{SUFFIXES[kind]}"
    several[0].save(path, kind, save_all=True, append_images=several[1:])
    with pytest.warns(FstWarning, match="holds 3 pictures: the first") as said:
        picture = load_image(path)
    assert str(path) in str(said[0].message)
    assert ("fst video" in str(said[0].message)) == (kind in ("GIF", "WEBP", "PNG"))
    assert len(said) == 1
    red, green, blue = color(picture)
    assert red > 230
    assert max(green, blue) < 25
    load_image(path)  # a second warning would be an error here
    several[0].save(tmp_path / f"one{SUFFIXES[kind]}", kind)
    load_image(tmp_path / f"one{SUFFIXES[kind]}")


def test_a_phones_mpo_is_one_photo(tmp_path: Path) -> None:
    photo = make_photo(40, 32)
    photo.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[make_photo(20, 16)])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "MPO"
    assert load_image(tmp_path / "a.jpg").size == (40, 32)


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_of_the_pages_of_a_tiff_the_largest_is_taken(
    place: int, marked: bool, tmp_path: Path
) -> None:
    sizes, marks = [(20, 16), (30, 24), (25, 20)], {}
    sizes[place] = (60, 48)
    if marked:
        marks = {f"page{number}": REDUCED for number in range(3) if number != place}
    path = write_pages(tmp_path / "a.tif", sizes, **marks)
    nth = ("first", "second", "third")[place]
    if marked and place == 0:
        picture = load_image(path)  # one picture, and smaller copies of it
    else:
        with pytest.warns(FstWarning, match=rf"3 pictures: the {nth} \(60x48\)"):
            picture = load_image(path)
    assert picture.size == (60, 48)
    assert color(picture) == (40 + 20 * place,) * 3
    assert load_pixels(path).shape == (3, 48, 60)


def test_a_larger_copy_that_is_marked_as_reduced_is_not_the_picture(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.tif", [(60, 48), (30, 24)], page0=REDUCED)
    with pytest.warns(FstWarning, match=r"the second \(30x24\)"):
        assert load_image(path).size == (30, 24)


def test_a_mask_beside_a_picture_is_no_picture(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.tif", [(30, 24), (60, 48)], page1=MASK)
    assert load_image(path).size == (30, 24)


def test_the_page_is_taken_with_its_own_numbers_and_size_limits(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    gray = (np.linspace(0, 1, 20 * 24).reshape(20, 24) * 65535).round()
    with tifffile.TiffWriter(path) as file:
        for page in (np.zeros((8, 8), np.uint8), gray.astype(np.uint16)):
            file.write(page, photometric="minisblack", metadata=None, contiguous=False)
    with pytest.warns(FstWarning, match="second"):
        found = load_image(path).rgb
    np.testing.assert_allclose(found[0, 0].double(), gray / 65535, atol=1e-5)
    with pytest.raises(InputError, match=r"24x20 .*--max-pixels"):
        load_image(path, max_pixels=479)


def test_a_largest_page_that_cannot_be_read_is_not_replaced_by_a_smaller_one(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.tif"
    floats: NDArray[np.float32] = np.zeros((48, 60, 3), np.float32)
    with tifffile.TiffWriter(path) as file:
        file.write(np.zeros((20, 24, 3), np.uint8), photometric="rgb", metadata=None)
        file.write(floats, photometric="rgb", metadata=None)
    with pytest.raises(InputError, match=r"a\.tif: its largest picture, the second of 2 \(60x48\)"):
        load_image(path)


def test_a_cameras_raw_file_is_not_taken_for_its_preview(tmp_path: Path) -> None:
    small = np.zeros((20, 24, 3), np.uint8)
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        options: dict[str, Any] = {"photometric": "rgb", "metadata": None}
        file.write(small, subifds=1, subfiletype=REDUCED, **options)
        file.write(np.zeros((48, 60), np.uint16), photometric="cfa", metadata=None)
    tifffile.imwrite(
        tmp_path / "a.dng", small, photometric="rgb", extratags=[(50706, "B", 4, b"\1\4\0\0", True)]
    )
    for name in ("a.tif", "a.dng"):
        with pytest.raises(InputError, match=rf"{name} is a camera's raw file.*develop it"):
            load_image(tmp_path / name)


def test_a_picture_with_smaller_copies_below_it_is_read(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        options: dict[str, Any] = {"photometric": "rgb", "metadata": None}
        file.write(np.full((40, 48, 3), 90, np.uint8), subifds=1, **options)
        file.write(np.zeros((20, 24, 3), np.uint8), subfiletype=REDUCED, **options)
    assert color(load_image(tmp_path / "a.tif")) == (90, 90, 90)


def test_a_single_page_that_calls_itself_reduced_is_read_and_said(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.tif", [(30, 24)], page0=REDUCED)
    with pytest.warns(FstWarning, match=r"a\.tif calls itself a reduced copy"):
        assert load_image(path).size == (30, 24)


def test_pages_that_were_cut_off_spoil_nothing(tmp_path: Path) -> None:
    whole = write_pages(tmp_path / "a.tif", [(30, 24), (30, 24), (30, 24)]).read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[: len(whole) - 100])
    with pytest.warns(FstWarning, match="pictures: the first"):
        assert color(load_image(tmp_path / "b.tif")) == (40, 40, 40)


def test_no_more_pages_are_looked_at_than_anybody_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST", 3)
    path = write_pages(tmp_path / "a.tif", [(30, 24)] * 5)
    with pytest.warns(FstWarning, match="3 or more pictures: the first"):
        load_image(path)


def test_a_mask_of_several_pages_is_taken_the_same_way(tmp_path: Path) -> None:
    path = write_pages(tmp_path / "a.tif", [(20, 16), (40, 32)])
    with pytest.warns(FstWarning, match=r"second \(40x32\), the largest, is taken"):
        mask = read_mask(path)
    assert mask.values.shape == (1, 1, 32, 40)


def test_an_open_file_too(tmp_path: Path) -> None:
    content = write_pages(tmp_path / "a.tif", [(20, 16), (40, 32)]).read_bytes()
    with pytest.warns(FstWarning, match="photo 7 holds 2 pictures: the second"):
        assert load_image(BytesIO(content), name="photo 7").size == (40, 32)
