"""Animations as clips: every frame, its time and its transparency, as other programs see them."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from support import make_photo

from fst.errors import InputError
from fst.inference.video.animation import open_animation, split

DELAYS = [100, 20, 40, 1000, 500]
"""Milliseconds, which all formats can hold."""


def pictures(count: int = 5) -> list[Image.Image]:
    """Different ones, with a hole that moves."""
    made = []
    for number in range(count):
        pixels = np.zeros((24, 32, 4), np.uint8)
        pixels[...] = (40 * number, 100, 200, 255)
        pixels[4:10, 4 + number : 12 + number, :3] = (255, 0, 0)
        pixels[15:20, 3 * number : 3 * number + 4, 3] = 0
        made.append(Image.fromarray(pixels))
    return made


def save(path: Path, **options: object) -> Path:
    first, *others = pictures()
    lossless = {"lossless": True} if path.suffix == ".webp" else {}
    clear = {"disposal": 2} if path.suffix == ".gif" else {}
    first.save(
        path, save_all=True, append_images=others,
        **{"duration": DELAYS, "loop": 3, **lossless, **clear, **options},
    )  # fmt: skip
    return path


@pytest.mark.parametrize(("suffix", "plays"), [(".gif", 4), (".webp", 3), (".png", 3)])
def test_frames_are_those_that_were_written(tmp_path: Path, suffix: str, plays: int) -> None:
    source = open_animation(save(tmp_path / f"a{suffix}"))
    found = list(source.frames())
    assert [frame.number for frame in found] == [0, 1, 2, 3, 4]
    times = [0, 100, 120, 160, 1160]
    assert [frame.time for frame in found] == [Fraction(time, 1000) for time in times]
    assert [frame.duration for frame in found] == [Fraction(time, 1000) for time in DELAYS]
    for frame, wanted in zip(found, pictures(), strict=True):
        expected = np.asarray(wanted)
        assert frame.alpha is not None
        assert np.array_equal(frame.alpha, expected[..., 3])
        seen = expected[..., 3] == 255
        assert np.array_equal(frame.pixels[seen], expected[seen][:, :3])
        assert frame.pixels.flags["C_CONTIGUOUS"]
    about = source.about
    assert (about.width, about.height, about.frames) == (32, 24, 5)
    assert about.duration == Fraction(1660, 1000)
    assert about.rate == 5 / Fraction(1660, 1000)
    assert (about.kind, about.variable) == ("animation", True)
    assert about.details["plays"] == plays
    assert all((frame.time / about.time_base).denominator == 1 for frame in found)
    assert source.notes == []
    again = list(source.frames())
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(found, again, strict=True))


def test_a_gif_is_shown_as_pil_composes_it_where_that_is_right(tmp_path: Path) -> None:
    first = make_photo(40, 30)
    others = [make_photo(40, 30, seed) for seed in (1, 2)]
    path = tmp_path / "a.gif"
    first.save(path, save_all=True, append_images=others, duration=50)
    with Image.open(path) as opened:
        for frame in open_animation(path).frames():
            opened.seek(frame.number)
            assert np.array_equal(frame.pixels, np.asarray(opened.convert("RGB")))
            assert frame.alpha is None


def test_delays_that_the_file_has_are_known(tmp_path: Path) -> None:
    path = save(tmp_path / "a.gif", duration=[0, 10, 20, 30, 40])
    source = open_animation(path)
    assert source.about.details["delays"] == tuple(Fraction(n, 100) for n in range(5))
    assert [frame.time * 100 for frame in source.frames()] == [0, 10, 20, 22, 25]


def test_a_picture_apart_is_none_of_the_animation(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", default_image=True, duration=50)
    found = list(open_animation(path).frames())
    assert len(found) == 4
    second = np.asarray(pictures()[1])
    seen = second[..., 3] == 255
    assert np.array_equal(found[0].pixels[seen], second[seen][:, :3])


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_an_orientation_is_obeyed(tmp_path: Path, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    source = open_animation(save(tmp_path / f"a{suffix}", exif=exif))
    assert (source.about.width, source.about.height) == (24, 32)
    frame = next(source.frames())
    turned = np.rot90(np.asarray(pictures()[0]), -1)
    assert frame.alpha is not None
    assert np.array_equal(frame.alpha, turned[..., 3])


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_colors_become_srgb(tmp_path: Path, suffix: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # an RGB whose first number is blue and whose last is red
    swapped = srgb.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    plain = next(open_animation(save(tmp_path / f"plain{suffix}")).frames())
    path = save(tmp_path / f"other{suffix}", icc_profile=swapped)
    found = next(open_animation(path).frames())
    away = found.pixels.astype(int) - plain.pixels[..., ::-1]
    seen = plain.alpha == 255
    assert int(np.abs(away[seen]).max()) <= 2


def test_what_is_hidden_is_replaced() -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[:, :4] = (200, 100, 50, 255)
    picture[:, 4:] = (0, 255, 0, 0)  # nobody sees that it is green
    pixels, alpha = split(picture)
    assert alpha is not None
    assert pixels[:, :4].reshape(-1, 3).tolist() == [[200, 100, 50]] * 32
    assert int(pixels[..., 1].max()) <= 101
    opaque = np.full((4, 4, 4), 255, np.uint8)
    assert split(opaque)[1] is None


def test_too_large_is_refused_before_decoding(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"32x24.*--max-pixels"):
        open_animation(save(tmp_path / "a.gif"), 700)


@pytest.mark.parametrize("suffix", [".gif", ".png"])
def test_of_a_file_that_is_cut_off_there_is_what_is_whole(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"a{suffix}")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.7)])
    source = open_animation(path)
    found = list(source.frames())
    assert 0 < len(found) < 5
    assert len(list(source.frames())) == len(found)
    (note,) = source.notes
    assert "what is there is painted" in note


def test_a_webp_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.webp")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * 0.7)])
    with pytest.raises(InputError, match=r"a\.webp can't be decoded"):
        list(open_animation(path).frames())


def test_what_is_no_animation_is_one_line(tmp_path: Path) -> None:
    still, text = tmp_path / "still.gif", tmp_path / "text.gif"
    make_photo().save(still)
    text.write_text("GIF, they said")
    with pytest.raises(InputError, match="still picture: fst stylize"):
        open_animation(still)
    with pytest.raises(InputError, match="no animated GIF"):
        open_animation(text)
