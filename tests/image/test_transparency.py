"""fst.image.transparency: what nobody sees changes nothing, in any kind of file."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, features
from support import make_photo
from torch import Tensor

from fst.image.arrays import from_array, from_tensor
from fst.image.io import load_image, load_pixels, save_image
from fst.image.picture import Picture, from_pil, resize
from fst.image.transparency import filled, is_seen

HIDDEN = {"black": (0, 0, 0), "white": (255, 255, 255), "magenta": (255, 0, 255)}
KINDS = (".png", ".webp", ".tif", ".gif", "LA.png", "P.png", "tRNS.png", ".jp2")


def disk(height: int = 20, width: int = 24) -> NDArray[np.bool_]:
    y, x = np.mgrid[:height, :width]
    return (y - height / 2) ** 2 + (x - width / 2) ** 2 < 49


def logo(under: tuple[int, int, int]) -> NDArray[np.uint8]:
    """RGBA: a disk of a smooth picture, soft at its edge; ``under`` is where nothing is seen."""
    pixels = np.dstack([np.asarray(make_photo(24, 20)), 255 * disk().astype(np.uint8)])
    pixels[disk() & ~np.roll(disk(), 1, 1), 3] = 100
    pixels[~disk(), :3] = under
    return pixels


def write(path: Path, pixels: NDArray[np.uint8]) -> None:
    """As a file of the kind that its name says, which keeps what is under transparency."""
    image, under = Image.fromarray(pixels), tuple(int(n) for n in pixels[0, 0, :3])
    if path.name.endswith("LA.png"):
        Image.fromarray(pixels[..., [0, 3]], "LA").save(path)
    elif path.name.endswith(("P.png", ".gif")):
        indexed = Image.fromarray((pixels[..., 0] // 16 * disk() + disk()).astype(np.uint8), "L")
        indexed.putpalette([*under, *range(3, 51)])
        indexed.save(path, transparency=0)
    elif path.name.endswith("tRNS.png"):
        image.convert("RGB").save(path, transparency=under)
    else:
        options = {"lossless": True, "exact": True} if path.suffix == ".webp" else {}
        image.save(path, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_that_look_alike_are_read_alike(kind: str, tmp_path: Path) -> None:
    found = []
    for name, under in HIDDEN.items():
        path = tmp_path / f"{name}{kind}"
        write(path, logo(under))
        with Image.open(path) as image:
            hidden = np.asarray(image.convert("RGBA"))[0, 0]
        if kind not in (".jp2",):
            assert hidden[3] == 0
        picture = load_image(path)
        assert picture.alpha is not None
        assert picture.alpha[0, 0, 0, 0] == 0
        found.append((picture, load_pixels(path)))
    for (one, pixels), (other, others) in itertools.pairwise(found):
        assert torch.equal(one.rgb, other.rgb)
        assert torch.equal(pixels, others)
    seen = torch.from_numpy(disk())
    inside = found[0][0].rgb[0][:, seen]
    outside = found[0][0].rgb[0][:, ~seen]
    for channel in range(3):  # nothing but what is seen, and what lies between
        assert inside[channel].min() - 1e-6 <= outside[channel].min()
        assert outside[channel].max() <= inside[channel].max() + 1e-6


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_arrays_and_tensors_that_look_alike_are_read_alike(kind: str) -> None:
    found = []
    for under in HIDDEN.values():
        array = logo(under) if kind == "uint8" else logo(under).astype(np.float32) / 255
        (picture,) = from_array(array, "photo")
        (same,) = from_tensor(torch.from_numpy(array).permute(2, 0, 1), "photo")
        assert torch.equal(picture.rgb, same.rgb)
        found.append(picture)
    for one, other in itertools.pairwise(found):
        assert torch.equal(one.rgb, other.rgb)


def test_what_is_seen_stays_as_it_is_to_the_bit() -> None:
    rgb, alpha = torch.rand(1, 3, 37, 53), torch.rand(1, 1, 37, 53)
    alpha[alpha < 0.4] = 0
    seen = (alpha > 0).expand_as(rgb)
    assert torch.equal(filled(rgb, alpha)[seen], rgb[seen])
    opaque = torch.ones_like(alpha)
    assert filled(rgb, opaque) is rgb
    assert filled(rgb, opaque * 0.5) is rgb


@pytest.mark.parametrize("size", [(1, 9), (9, 1), (2, 2), (16, 16), (33, 47)])
def test_a_single_visible_pixel_fills_the_whole(size: tuple[int, int]) -> None:
    rgb, alpha = torch.rand(1, 3, *size), torch.zeros(1, 1, *size)
    alpha[..., -1, -1] = 1
    expected = rgb[..., -1:, -1:].expand_as(rgb)
    torch.testing.assert_close(filled(rgb, alpha), expected, rtol=0, atol=1e-6)


def test_a_hidden_pixel_takes_the_colors_that_are_near() -> None:
    rgb, alpha = torch.zeros(1, 3, 64, 64), torch.zeros(1, 1, 64, 64)
    rgb[:, 0, :, :8], rgb[:, 2, :, 56:] = 1, 1
    alpha[..., :8] = alpha[..., 56:] = 1
    result = filled(rgb, alpha)
    assert result[0, 0, 32, 10] > 0.9
    assert result[0, 2, 32, 53] > 0.9
    assert (result[0, 0].diff(dim=1) <= 1e-6).all()  # from the one to the other, and not back


def test_where_nothing_is_seen_nothing_is_kept() -> None:
    for value in (0.0, 1 / 255):
        rgb, alpha = torch.rand(1, 3, 20, 24), torch.full((1, 1, 20, 24), value)
        assert not is_seen(alpha).any()
        assert torch.equal(filled(rgb, alpha), torch.zeros_like(rgb))


@pytest.mark.parametrize("long_side", [12, 17, 60])
def test_no_color_bleeds_from_what_is_hardly_seen(long_side: int) -> None:
    pixels = logo((0, 255, 0))
    pixels[pixels[..., 3] == 100] = (0, 255, 0, 20)
    picture = from_pil(Image.fromarray(pixels))
    small = resize(picture, long_side)
    assert picture.alpha is not None
    assert small.alpha is not None

    def resized(channel: Tensor) -> NDArray[np.float32]:  # by PIL: floats may overshoot
        image = Image.fromarray(channel.numpy())
        return np.asarray(image.resize(small.size, Image.Resampling.BICUBIC))

    alpha = resized(picture.alpha[0, 0])
    colors = [
        resized(channel) / np.where(alpha > 0.01, alpha, 1)
        for channel in picture.rgb[0] * picture.alpha[0]
    ]
    seen = alpha > 0.25
    expected = np.stack(colors).clip(0, 1)[:, seen]
    np.testing.assert_allclose(small.alpha[0, 0], alpha.clip(0, 1), atol=1e-5)
    np.testing.assert_allclose(small.rgb[0].numpy()[:, seen], expected, atol=1e-4)


def test_an_opaque_alpha_is_resized_as_none() -> None:
    rgb = torch.rand(1, 3, 20, 24)
    opaque = resize(Picture(rgb, torch.ones(1, 1, 20, 24)), 12)
    assert torch.equal(opaque.rgb, resize(Picture(rgb), 12).rgb)
    assert opaque.alpha is not None
    assert torch.equal(opaque.alpha, torch.ones(1, 1, 10, 12))


def test_what_is_written_shows_no_hidden_color_on_white(tmp_path: Path) -> None:
    """A soft edge that was resized is laid on white without a rim of what was hidden."""
    pixels = np.full((40, 48, 4), (200, 30, 30, 255), np.uint8)
    pixels[:, 24:] = (0, 255, 0, 0)
    small: Tensor = resize(from_pil(Image.fromarray(pixels)), 17).rgb
    expected = torch.tensor([200, 30, 30]).view(1, 3, 1, 1).expand_as(small) / 255
    torch.testing.assert_close(small, expected, rtol=0, atol=1e-3)
    save_image(tmp_path / "a.jpg", from_pil(Image.fromarray(pixels)))
    with Image.open(tmp_path / "a.jpg") as image:
        assert np.asarray(image)[:, 40:].min() > 250


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_too(tmp_path: Path) -> None:
    path = tmp_path / "a.avif"
    Image.fromarray(logo((0, 0, 0))).save(path, quality=100)
    picture = load_image(path)
    assert picture.alpha is not None
    outside = picture.rgb[0][:, ~is_seen(picture.alpha)[0, 0]]
    assert outside.amax() > 0.2  # no black
