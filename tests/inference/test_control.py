"""Strength, colors, masks, sizes, tiles; what stays the photo stays it bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from fst.choices import PRESERVE, UPSAMPLE
from fst.errors import InputError
from fst.image.color import preserve_color
from fst.image.periodic import periodic
from fst.image.picture import Picture, from_pil, resize, resize_tensor
from fst.inference import painter
from fst.inference.control import Control, Layer, paint
from fst.inference.optimizing import OnIterate
from fst.inference.stylizers import FeedForwardStylizer
from fst.nets.johnson import JohnsonNet
from fst.styles.trained import TrainedStyle


def draw(height: int = 24, width: int = 32, seed: int = 0) -> Tensor:
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(seed))


def make_mask(path: Path, height: int, width: int, left: int = 0) -> Path:
    """White on the left, from the picture's border to the column ``left``."""
    image = Image.new("L", (width, height), 0)
    image.paste(255, (0, 0, left, height))
    image.save(path)
    return path


class Negative:
    """A stylizer that counts."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    def __call__(self, photo: Tensor, on_iterate: OnIterate | None = None) -> Tensor:
        self.seen.append(tuple(photo.shape))
        return 1 - photo


@pytest.fixture
def negative() -> Any:
    return Negative()


@pytest.fixture(scope="module")
def net() -> FeedForwardStylizer:
    torch.manual_seed(0)
    trained = TrainedStyle(JohnsonNet(width=4, residual_blocks=1).requires_grad_(False), {})
    return FeedForwardStylizer(trained, torch.device("cpu"))


# --- strength ------------------------------------------------------------------------------------


def test_strength_is_the_share_of_the_way(negative: Any) -> None:
    photo = draw()
    for strength in (0.1, 0.5, 0.99, 1.0):
        finished = paint(Picture(photo), [Layer(negative)], Control(strength)).rgb
        expected = (1 - strength) * photo.double() + strength * (1 - photo.double())
        torch.testing.assert_close(finished.double(), expected, rtol=0, atol=1e-6)


def test_without_strength_there_is_the_photo_and_no_work(negative: Any) -> None:
    photo = draw()
    for control in (Control(0), Control(0, "lab"), Control(0, size=24, upsample="guided")):
        assert torch.equal(paint(Picture(photo), [Layer(negative)], control).rgb, photo)
    assert negative.seen == []


def test_alpha_and_profile_are_the_photos(negative: Any) -> None:
    picture = Picture(draw(), torch.rand(1, 1, 24, 32), b"profile")
    finished = paint(picture, [Layer(negative)])
    assert finished.alpha is picture.alpha
    assert finished.icc_profile == b"profile"


def test_the_photo_is_not_changed(negative: Any, tmp_path: Path) -> None:
    photo = draw()
    before = photo.clone()
    mask = make_mask(tmp_path / "mask.png", 24, 32, 10)
    paint(Picture(photo), [Layer(negative, mask)], Control(0.7, "luma"))
    assert torch.equal(photo, before)


# --- masks ---------------------------------------------------------------------------------------


def test_a_mask_of_zeros_leaves_the_photo_bit_for_bit(negative: Any, tmp_path: Path) -> None:
    photo = draw()
    mask = make_mask(tmp_path / "mask.png", 24, 32, 0)
    with pytest.warns(UserWarning, match="no white"):
        finished = paint(Picture(photo), [Layer(negative, mask)]).rgb
    assert torch.equal(finished, photo)
    assert negative.seen == []


def test_outside_of_a_mask_is_the_photo_bit_for_bit(negative: Any, tmp_path: Path) -> None:
    photo = draw(24, 200)
    mask = make_mask(tmp_path / "mask.png", 24, 200, 60)
    finished = paint(Picture(photo), [Layer(negative, mask)]).rgb
    assert torch.equal(finished[..., 100:], photo[..., 100:])
    torch.testing.assert_close(finished[..., :40], 1 - photo[..., :40], rtol=0, atol=1e-6)


def test_gray_is_half(negative: Any, tmp_path: Path) -> None:
    photo = draw()
    Image.new("L", (32, 24), 128).save(tmp_path / "gray.png")
    layers = [Layer(negative, tmp_path / "gray.png")]
    finished = paint(Picture(photo), layers).rgb
    share = 128 / 255
    torch.testing.assert_close(finished, torch.lerp(photo, 1 - photo, share), rtol=0, atol=1e-5)


def test_two_styles_share_a_picture(tmp_path: Path) -> None:
    photo = draw()
    red, blue = (torch.zeros(1, 3, 24, 32).index_fill(1, torch.tensor(c), 1) for c in (0, 2))
    left = make_mask(tmp_path / "left.png", 24, 32, 20)
    right = tmp_path / "right.png"
    with Image.open(left) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(right)
    styles: list[Any] = [lambda photo, watch: red.clone(), lambda photo, watch: blue.clone()]
    layers = [Layer(style, mask) for style, mask in zip(styles, (left, right), strict=True)]
    finished = paint(Picture(photo), layers, Control(feather=0)).rgb
    both = (red + blue) / 2  # the masks overlap from column 12 to 20
    torch.testing.assert_close(finished[..., :12], red[..., :12], rtol=0, atol=1e-6)
    torch.testing.assert_close(finished[..., 12:20], both[..., 12:20], rtol=0, atol=1e-6)
    torch.testing.assert_close(finished[..., 20:], blue[..., 20:], rtol=0, atol=1e-6)


def test_several_styles_need_masks(negative: Any) -> None:
    with pytest.raises(InputError, match="mask each"):
        paint(Picture(draw()), [Layer(negative), Layer(negative)])


# --- size, colors --------------------------------------------------------------------------------


def test_a_size_is_painted_and_stays(negative: Any) -> None:
    finished = paint(Picture(draw(40, 80)), [Layer(negative)], Control(size=40))
    assert finished.size == (40, 20)
    assert negative.seen == [(1, 3, 20, 40)]


@pytest.mark.parametrize("how", UPSAMPLE)
def test_upsampling_brings_the_photos_size_back(negative: Any, how: str) -> None:
    photo = F.interpolate(draw(10, 20), (80, 160), mode="bicubic").clamp(0, 1)
    control = Control(size=80, upsample=how)
    finished = paint(Picture(photo), [Layer(negative)], control)
    assert finished.size == (160, 80)
    assert negative.seen == [(1, 3, 40, 80)]
    small = resize_tensor(1 - resize(Picture(photo), 80).rgb, (80, 160))
    assert (finished.rgb - small).abs().mean() < 0.02


@pytest.mark.parametrize("how", PRESERVE)
def test_colors_are_kept_as_color_does_it(negative: Any, how: str) -> None:
    photo = draw()
    finished = paint(Picture(photo), [Layer(negative)], Control(0.5, how)).rgb
    expected = torch.lerp(photo, preserve_color(1 - photo, photo, how), 0.5)
    torch.testing.assert_close(finished, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("how", [None, *PRESERVE])
@pytest.mark.parametrize("size", [None, 24])
def test_photos_that_look_alike_are_painted_alike(
    negative: Any, how: str | None, size: int | None
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    pixels[..., 3] = 255
    pixels[:, 25:, 3], pixels[:, 24, 3] = 0, 128
    found = []
    for color in ((0, 0, 0), (0, 255, 0), (255, 255, 255)):
        pixels[:, 25:, :3] = color
        photo = from_pil(Image.fromarray(pixels))
        found.append(paint(photo, [Layer(negative)], Control(preserve_color=how, size=size)).rgb)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"strength": 1.1}, "from 0 to 1, not 1.1"),
        ({"strength": float("nan")}, "from 0 to 1"),
        ({"strength": "0.5"}, "from 0 to 1"),
        ({"size": "100"}, "from 16 to"),
        ({"preserve_color": "hue"}, "luma, lab, histogram"),
        ({"upsample": "guided"}, "needs a size"),
        ({"upsample": "nearest", "size": 32}, "guided, bicubic"),
        ({"feather": -1}, "feather"),
        ({"size": 8}, "from 16 to"),
    ],
)
def test_values_out_of_range_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Control(**wrong)


def test_a_photo_narrow_at_its_size_is_painted(negative: Any) -> None:
    finished = paint(Picture(draw(16, 120)), [Layer(negative)], Control(size=32))
    assert finished.size == (32, 4)


def test_numpys_numbers_are_numbers() -> None:
    control = Control(np.float32(0.5), size=np.int64(32), feather=np.float64(0.25))  # type: ignore[arg-type]
    assert (control.strength, control.size, control.feather) == (0.5, 32, 0.25)
    assert {type(control.strength), type(control.feather)} == {float}


# --- tiles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(48, 64), (45, 62)])
def test_a_seamless_picture_continues_on_the_other_side(
    net: FeedForwardStylizer, size: tuple[int, int]
) -> None:
    """Its opposite borders differ as neighbors do, though the photo's are black and white."""
    ramp = torch.linspace(0, 1, size[1]).expand(1, 3, *size).contiguous()
    photo = (0.7 * ramp + 0.3 * draw(*size)).clamp(0, 1)
    tiling = FeedForwardStylizer(net.style, net.device, circular=True)
    finished = paint(Picture(photo), [Layer(tiling)], Control(seamless=True)).rgb
    assert finished.shape == photo.shape
    for axis in (2, 3):
        neighbors = finished.diff(dim=axis).abs().mean((0, 1, 5 - axis))
        ends = finished.select(axis, 0) - finished.select(axis, -1)
        assert ends.abs().mean() <= neighbors.max()
    plain = paint(Picture(photo), [Layer(net)]).rgb
    seam = (plain[..., 0] - plain[..., -1]).abs().mean()
    assert seam > 1.3 * (finished[..., 0] - finished[..., -1]).abs().mean()  # there was a seam


@pytest.mark.parametrize(
    "options", [{"strength": 0.5}, {"preserve_color": "luma"}, {"preserve_color": "lab"}, {}]
)
def test_whatever_is_mixed_in_tiles_too(
    net: FeedForwardStylizer, options: dict[str, Any], tmp_path: Path
) -> None:
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 64, 96)
    photo = 0.9 * ramp + 0.1 * draw(64, 96)
    mask = None if options else make_mask(tmp_path / "mask.png", 64, 96, 48)
    tiling = FeedForwardStylizer(net.style, net.device, circular=True)
    control = Control(**options, seamless=True)
    finished = paint(Picture(photo), [Layer(tiling, mask)], control).rgb
    ends = (finished[..., 0] - finished[..., -1]).abs().mean()
    assert ends <= finished.diff(dim=3).abs().mean((0, 1, 2)).max()
    assert ends < 0.2


def test_guided_upsampling_does_not_tile() -> None:
    with pytest.raises(InputError, match="bicubic"):
        Control(size=32, upsample="guided", seamless=True)


# --- any size, any mode --------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(16, 600),
    width=st.integers(16, 600),
    strength=st.sampled_from([0.0, 0.3, 1.0]),
    color=st.sampled_from([None, *PRESERVE]),
    upsample=st.sampled_from([None, *UPSAMPLE]),
    seamless=st.booleans(),
    seed=st.integers(0, 10),
)
def test_pictures_keep_size_and_range(
    net: FeedForwardStylizer, height: int, width: int, strength: float, color: str | None,
    upsample: str | None, seamless: bool, seed: int,
) -> None:  # fmt: skip
    photo = draw(height, width, seed)
    size = None
    seamless = seamless and upsample != "guided"
    if upsample is not None:
        size = max(32, max(height, width) * 16 // min(height, width) + 1, max(height, width) // 3)
    control = Control(strength, color, size, upsample, seamless=seamless)
    stylizer = FeedForwardStylizer(net.style, net.device, circular=seamless)
    finished = paint(Picture(photo), [Layer(stylizer)], control).rgb
    assert finished.shape == photo.shape
    assert bool(torch.isfinite(finished).all())
    assert 0 <= float(finished.min()) <= float(finished.max()) <= 1


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    strength=st.sampled_from([0.0, 0.3, 1.0]),
    color=st.sampled_from([None, *PRESERVE]),
    seamless=st.booleans(),
    masked=st.booleans(),
    size=st.sampled_from([None, 16, 33]),
    upsample=st.sampled_from([None, *UPSAMPLE]),
)
def test_small_pictures_keep_size_and_range(
    net: FeedForwardStylizer, height: int, width: int, strength: float, color: str | None,
    seamless: bool, masked: bool, size: int | None, upsample: str | None,
) -> None:  # fmt: skip
    photo = draw(height, width)
    upsample = None if size is None or (seamless and upsample == "guided") else upsample
    control = Control(strength, color, size, upsample, seamless=seamless)
    stylizer = FeedForwardStylizer(net.style, net.device, circular=seamless, margin=0)
    mask = Picture(torch.ones(1, 3, height, width)) if masked else None
    finished = paint(Picture(photo), [Layer(stylizer, mask)], control).rgb
    small = resize(Picture(photo), size).rgb if size and upsample is None else photo
    assert finished.shape == small.shape
    assert bool(torch.isfinite(finished).all())
    assert 0 <= float(finished.min()) <= float(finished.max()) <= 1
    if strength == 0:
        assert torch.equal(finished, small)
    elif not masked and color is None:
        assert not torch.equal(finished, small)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (7, 9), (15, 15)])
def test_a_small_tile_is_that_of_the_plane_it_tiles(
    net: FeedForwardStylizer, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Painted alone, and cut out of a large plane of many: the same."""
    monkeypatch.setattr(painter, "fullness", lambda photo: 1.0)  # the plane is but fine grain
    photo = periodic(draw(*size))
    tiling = FeedForwardStylizer(net.style, net.device, circular=True)
    alone = paint(Picture(photo), [Layer(tiling)], Control(seamless=True)).rgb
    repeats = [16 if side < 16 else 4 for side in size]
    plane = tiling(periodic(photo).repeat(1, 1, *repeats))
    torch.testing.assert_close(alone, plane[:, :, : size[0], : size[1]], rtol=0, atol=1e-4)
