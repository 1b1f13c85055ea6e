"""fst.image.painting: what is no painting to learn from is one line, wherever it is taken."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import make_photo

from fst.errors import FstWarning, InputError
from fst.image.io import load_image
from fst.image.painting import check_painting, load_painting, open_painting
from fst.image.picture import resize
from fst.styles.objective import style_target


def save(path: Path, image: Image.Image) -> Path:
    image.save(path)
    return path


def masked(width: int = 60, height: int = 40) -> Image.Image:
    """A painting of which a disk is seen; green is hidden around it."""
    y, x = np.mgrid[:height, :width]
    pixels = np.dstack([np.asarray(make_photo(width, height)), np.zeros((height, width))])
    pixels[..., 3] = 255 * ((y - 20) ** 2 + (x - 40) ** 2 < 18**2)
    pixels[pixels[..., 3] == 0, :3] = (0, 255, 0)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("size", [32, 60, 100])
def test_a_plain_painting_is_resized_as_ever(size: int, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", make_photo(60, 40))
    expected = resize(load_image(path), size).rgb
    assert torch.equal(load_painting(path, size), expected)
    assert torch.equal(style_target(str(path), size), expected)


def test_a_large_jpeg_can_be_opened_at_a_fraction_of_its_size(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", make_photo(800, 480))
    assert open_painting(path).size == (800, 480)
    assert open_painting(path, 200).size == (400, 240)
    whole, small = resize(open_painting(path), 100).rgb, resize(open_painting(path, 200), 100).rgb
    assert (whole - small).abs().mean() < 0.01


def test_a_painting_can_be_asked_for_more_than_the_least(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", make_photo(120, 30))
    assert open_painting(path, least=30).size == (120, 30)
    with pytest.raises(InputError, match=r"a wave: 120x30 is too small, 31"):
        open_painting(path, least=31, name="a wave")
    check_painting(open_painting(path), 256, "a wave", least=64)
    with pytest.raises(InputError, match=r"a wave.* 252x63, and 64"):
        check_painting(open_painting(path), 252, "a wave", least=64)


WRONG = {
    "thin": (make_photo(400, 20), 128, "128x6, and 16"),
    "small at this size": (make_photo(60, 40), 15, "15x10, and 16"),
    "large at this size": (make_photo(60, 40), 100_000, "100000x66667, more than 200 megapixels"),
    "too small a file": (make_photo(60, 10), 512, "60x10 is too small"),
    "one color": (Image.new("RGB", (60, 40), (10, 200, 30)), 32, "of one color"),
    "one color nearly": (Image.fromarray(np.eye(40, dtype=np.uint8) + 90), 32, "of one color"),
    "one color of what is seen": (Image.new("RGBA", (60, 40), (9, 9, 9, 9)), 32, "of one color"),
    "transparent": (Image.new("RGBA", (60, 40), (90, 200, 30, 0)), 32, "transparent all over"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_painting_is_one_line(kind: str, tmp_path: Path) -> None:
    image, size, says = WRONG[kind]
    path = save(tmp_path / "painting.png", image)
    for read in (lambda: load_painting(path, size), lambda: style_target(str(path), size)):
        with pytest.raises(InputError, match=says) as caught:
            read()
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_no_picture_at_all_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("a text")
    with pytest.raises(InputError, match=r"a\.jpg is not a picture"):
        style_target(str(tmp_path / "a.jpg"), 64)


def test_of_a_painting_that_is_partly_transparent_what_is_seen_counts(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", masked())
    with pytest.warns(FstWarning, match=r"a\.png is transparent in 58% of it"):
        painting = load_painting(path, 35)
    assert painting.shape == (1, 3, 35, 35)  # around the disk
    other = np.array(masked())
    other[other[..., 3] == 0, :3] = (255, 0, 255)
    with pytest.warns(FstWarning, match="transparent"):
        assert torch.equal(
            load_painting(save(tmp_path / "b.png", Image.fromarray(other)), 35), painting
        )
    inside = resize(load_image(path), 60).rgb[..., 11:31, 30:50]
    torch.testing.assert_close(painting[..., 8:28, 7:27], inside)


def test_an_opaque_alpha_changes_nothing(tmp_path: Path) -> None:
    plain = save(tmp_path / "a.png", make_photo(60, 40))
    opaque = save(tmp_path / "b.png", make_photo(60, 40).convert("RGBA"))
    assert torch.equal(load_painting(opaque, 32), load_painting(plain, 32))
