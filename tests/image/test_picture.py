"""fst.image.picture: to and from PIL, damaged pictures too; resizing."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from fst.errors import InputError
from fst.image.picture import Picture, from_pil, resize, resize_tensor, to_pil, upright

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()

ORIENTATION = 0x0112


def noise(height: int = 20, width: int = 24, channels: int = 3, seed: int = 0) -> NDArray[np.uint8]:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def mode(path: Path) -> str:
    """The mode that PIL finds in the file: what the test below is about."""
    with Image.open(path) as image:
        return str(image.mode)


def test_to_pil_rounds_to_the_nearest_of_256_and_clips() -> None:
    values = torch.tensor([-0.5, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 254.6 / 255, 1.0, 7.0])
    image = to_pil(values.expand(1, 3, 1, 8))
    assert image.mode == "RGB"
    assert np.asarray(image)[0, :, 0].tolist() == [0, 0, 0, 1, 128, 255, 255, 255]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_to_pil_chooses_the_mode_by_the_channels(channels: int, mode: str) -> None:
    array = noise(channels=channels)
    stacked = torch.from_numpy(array.reshape(20, 24, channels)).permute(2, 0, 1)[None] / 255
    image = to_pil(stacked.requires_grad_())
    assert image.mode == mode
    assert np.array_equal(np.asarray(image), array)


@pytest.mark.parametrize("shape", [(2, 3, 16, 16), (3, 16, 16), (16, 16)])
def test_to_pil_refuses_what_is_not_one_picture(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected one picture"):
        to_pil(torch.zeros(shape))


def test_from_pil_leaves_the_orientation_to_its_caller() -> None:
    image = Image.fromarray(noise())
    image.getexif()[ORIENTATION] = 6
    assert from_pil(image).size == (24, 20)
    assert from_pil(ImageOps.exif_transpose(image)).size == (20, 24)


@pytest.mark.parametrize("kind", ["cut", "closed"])
def test_a_pil_picture_that_cannot_be_decoded_is_an_input_error(kind: str) -> None:
    stream = BytesIO()
    Image.fromarray(noise(64, 64)).save(stream, "PNG", exif=rotated())
    image = Image.open(BytesIO(stream.getvalue()[: len(stream.getvalue()) // 2]))
    if kind == "closed":
        image = Image.fromarray(noise())
        image.close()
    with pytest.raises(InputError, match=r"^the picture can't be decoded: [^\n]+$"):
        from_pil(image)
    with pytest.raises(InputError, match=r"can't be decoded"):
        from_pil(upright(image))


def rotated() -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return exif


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA", "LA", "HSV", "YCbCr", "RGBX"])
def test_every_mode_of_pil_becomes_rgb(mode: str) -> None:
    plain = Image.fromarray(np.full((20, 24, 4), (120, 120, 120, 255), np.uint8))
    steps = {
        "La": ["LA", "La"],
        "PA": ["P", "PA"],
        "HSV": ["RGB", "HSV"],
        "YCbCr": ["RGB", "YCbCr"],
    }
    image = plain
    for step in steps.get(mode, [mode]):
        image = image.convert(step)
    assert image.mode == mode
    picture = from_pil(image)
    torch.testing.assert_close(
        picture.rgb, torch.full((1, 3, 20, 24), 120 / 255), rtol=0, atol=0.01
    )
    assert picture.alpha is None or bool((picture.alpha == 1).all())


@pytest.mark.parametrize(
    ("height", "width", "long_side", "expected"),
    [
        (600, 800, 256, (256, 192)),
        (800, 600, 256, (192, 256)),
        (30, 40, 80, (80, 60)),
        (33, 47, 31, (31, 22)),  # 33 * 31 / 47 = 21.8
        (2, 400, 100, (100, 1)),
    ],
)
def test_resize_keeps_the_aspect(
    height: int, width: int, long_side: int, expected: tuple[int, int]
) -> None:
    assert resize(Picture(torch.zeros(1, 3, height, width)), long_side).size == expected


@pytest.mark.parametrize("size", [(20, 30), (13, 17), (50, 70), (10, 90)])
def test_resizing_equals_pils_bicubic(size: tuple[int, int]) -> None:
    array = noise(30, 40).astype(np.float32) / 255
    height, width = size
    expected = [
        np.asarray(Image.fromarray(array[..., c]).resize((width, height), Image.Resampling.BICUBIC))
        for c in range(3)
    ]
    got = resize_tensor(torch.from_numpy(array).permute(2, 0, 1)[None], size)
    np.testing.assert_allclose(got[0].numpy(), np.clip(np.stack(expected), 0, 1), atol=2e-3)


def test_resizing_does_not_overshoot() -> None:
    edge = torch.zeros(1, 3, 20, 20)
    edge[..., 10:] = 1  # bicubic overshoots on both sides of an edge
    up = resize_tensor(edge, (50, 50))
    assert up.min() == 0
    assert up.max() == 1


def test_resize_takes_alpha_and_profile_along() -> None:
    picture = Picture(torch.rand(1, 3, 20, 40), torch.rand(1, 1, 20, 40), SRGB)
    small = resize(picture, 20)
    assert small.alpha is not None
    assert small.alpha.shape == (1, 1, 10, 20)
    torch.testing.assert_close(small.alpha, resize_tensor(picture.alpha, (10, 20)))
    assert small.icc_profile == SRGB


def test_resizing_to_the_same_size_changes_nothing() -> None:
    picture = Picture(torch.rand(1, 3, 20, 40))
    assert torch.equal(resize(picture, 40).rgb, picture.rgb)
