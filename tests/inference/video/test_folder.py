"""Folders of frames as clips."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from support import make_photo

from fst.errors import InputError
from fst.inference.video.folder import is_folder, open_folder


def write(folder: Path, count: int = 4, suffix: str = ".png", first: int = 7) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(first, first + count):
        make_photo(seed=number).save(folder / f"frame_{number}{suffix}")
    return folder


def test_frames_are_the_pictures(tmp_path: Path) -> None:
    source = open_folder(write(tmp_path / "f"), rate=Fraction(24_000, 1001))
    about = source.about
    assert (about.width, about.height, about.frames, about.kind) == (48, 40, 4, "folder")
    assert about.duration == Fraction(4 * 1001, 24_000)
    for _ in range(2):
        found = list(source.frames())
        assert [frame.number for frame in found] == [0, 1, 2, 3]
        assert [frame.time for frame in found] == [Fraction(1001 * n, 24_000) for n in range(4)]
        for frame in found:
            assert np.array_equal(frame.pixels, np.asarray(make_photo(seed=7 + frame.number)))
            assert frame.alpha is None
            assert (frame.time / about.time_base).denominator == 1
    assert source.notes == []


def test_one_series_by_its_pattern(tmp_path: Path) -> None:
    write(tmp_path / "f", 2)
    write(tmp_path / "f", 3, ".bmp")
    assert is_folder(tmp_path / "f")
    assert is_folder(tmp_path / "f" / "frame_%d.bmp")
    assert not is_folder(tmp_path / "f" / "frame_7.bmp")
    assert open_folder(tmp_path / "f" / "frame_%d.bmp").about.frames == 3
    with pytest.raises(InputError, match="2 series"):
        open_folder(tmp_path / "f")


def test_alpha_orientation_and_profile_are_those_of_photos(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = make_photo(40, 48)
    photo.putalpha(Image.linear_gradient("L").resize((40, 48)))
    photo.save(folder / "1.png")
    turned = make_photo()
    turned.save(folder / "2.png", exif=exif, icc_profile=swapped)
    first, second = open_folder(folder).frames()
    assert first.alpha is not None
    assert np.array_equal(first.alpha, np.asarray(photo)[..., 3])
    expected = np.rot90(np.asarray(turned), -1)[..., ::-1].astype(int)
    assert int(np.abs(second.pixels - expected).max()) <= 2


def test_frames_of_several_sizes_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "f")
    make_photo(50, 40).save(folder / "frame_9.png")
    with pytest.raises(InputError, match=r"frame_9\.png is 50x40, and frame_7\.png 48x40"):
        open_folder(folder)


def test_a_damaged_frame_is_left_out_and_the_others_keep_their_times(tmp_path: Path) -> None:
    folder = write(tmp_path / "f")
    (folder / "frame_8.png").write_bytes((folder / "frame_8.png").read_bytes()[:900])
    (folder / "frame_9.png").write_text("no picture")
    source = open_folder(folder, rate=Fraction(10))
    for _ in range(2):
        assert [(f.number, f.time) for f in source.frames()] == [(0, 0), (1, Fraction(3, 10))]
    (note,) = source.notes
    assert "2 frames are left out" in note
    assert "frame_8.png" in note


def test_what_cannot_be_a_clip(tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / "1.png").write_text("no picture")
    with pytest.raises(InputError, match=r"1\.png is not a picture"):
        open_folder(tmp_path / "f")
    with pytest.raises(InputError, match="no folder"):
        open_folder(tmp_path / "nowhere" / "%d.png")
    with pytest.raises(InputError, match="--max-pixels"):
        open_folder(write(tmp_path / "g"), max_pixels=100)
    (tmp_path / "g" / "frame_8.png").unlink()
    with pytest.raises(InputError, match=r"frame_8\.png is missing"):
        open_folder(tmp_path / "g")
