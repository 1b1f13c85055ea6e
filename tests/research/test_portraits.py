"""Noise gets a painting's Grams; the shipped portraits have them."""

from pathlib import Path

import pooch
import pytest
import torch
from PIL import Image, JpegImagePlugin
from torch import Tensor

from fst.errors import InputError
from fst.image.io import load_image
from fst.image.picture import resize
from fst.loss_networks.vgg import VGG19
from fst.losses.perceptual import STYLE_LAYERS
from fst.losses.statistics import measure_style
from fst.research.portraits import (
    Level,
    PortraitLoss,
    make_portrait,
    plan,
    style_error,
)
from fst.styles.portraits import PORTRAITS, read_figures

SHIPPED = ("great_wave", "monet", "poppies", "starry_night", "the_scream")
SIDES = (32, 48)
LEVELS = [Level(32, 12, (32,)), Level(48, 12, SIDES)]

BOUND = 0.05
"""Of a portrait's style error by the slim network; pictures of something else are far above it."""


@pytest.fixture(scope="module")
def slim() -> VGG19:
    return VGG19(STYLE_LAYERS, "slim")


# --- the making ----------------------------------------------------------------------------------


def test_the_style_error_is_the_mean_of_relative_errors_of_grams(
    painting: Tensor, slim: VGG19
) -> None:
    picture = painting.flip(1)
    by_hand = []
    for layer in STYLE_LAYERS:
        grams = []
        for image in (picture, painting):
            rows = slim(image, [layer])[layer][0].double().flatten(1)
            grams.append(torch.stack([(rows * row).mean(1) for row in rows]))
        by_hand.append(((grams[0] - grams[1]) ** 2).sum() / (grams[1] ** 2).sum())
    target = measure_style(slim, painting, STYLE_LAYERS)
    found = style_error(slim, picture, target)
    torch.testing.assert_close(found.double(), torch.stack(by_hand).mean()[None], rtol=1e-4, atol=0)
    assert style_error(slim, painting, target).item() == 0


def test_statistics_of_another_network_are_refused(painting: Tensor, slim: VGG19) -> None:
    random = VGG19(("relu1_1",), "random")
    with pytest.raises(InputError, match="another loss network"):
        style_error(slim, painting, measure_style(random, painting, ("relu1_1",)))


def test_a_picture_is_judged_as_it_will_be_written(painting: Tensor, slim: VGG19) -> None:
    loss = PortraitLoss(painting, [slim], SIDES)
    inside = painting.flip(3)
    beyond = inside.clone()
    beyond[inside > 0.9], beyond[inside < 0.1] = 1.5, -0.25
    clamped = beyond.clamp(0, 1)
    judged = loss(torch.cat([clamped, beyond]), {})
    torch.testing.assert_close(judged.style[1], judged.style[0])
    outside = (0.5**2 * (beyond == 1.5).sum() + 0.25**2 * (beyond == -0.25).sum()) / beyond.numel()
    torch.testing.assert_close(judged.tv, torch.stack([torch.tensor(0.0), outside]))
    assert judged.tv[1] > 0
    assert not judged.content.any()


def test_noise_gets_the_grams_of_the_painting_at_every_size(painting: Tensor, slim: VGG19) -> None:
    seen = []
    portrait = make_portrait(
        painting, [slim], LEVELS, report=lambda level, i: seen.append((level.side, i.iteration))
    )
    assert portrait.shape == painting.shape
    assert 0 <= portrait.min() <= portrait.max() <= 1
    assert seen == [(side, i) for side in SIDES for i in range(13)]
    noise = torch.rand(painting.shape, generator=torch.Generator().manual_seed(0))
    for side in SIDES:
        target = measure_style(slim, resized(painting, side), STYLE_LAYERS)
        before, after = (style_error(slim, resized(p, side), target) for p in (noise, portrait))
        assert after < before / 5


def resized(image: Tensor, side: int) -> Tensor:
    scale = side / max(image.shape[2:])
    size = [round(length * scale) for length in image.shape[2:]]
    return torch.nn.functional.interpolate(image, size, mode="bicubic", antialias=True).clamp(0, 1)


def test_a_portrait_follows_from_its_seed(painting: Tensor, slim: VGG19) -> None:
    levels = [Level(32, 2, (32,))]
    first, again, other = (make_portrait(painting, [slim], levels, seed) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=0.1)


@pytest.mark.parametrize(
    ("size", "sides", "compared"),
    [
        (768, [256, 512, 768], (256, 384, 512, 768)),
        (512, [256, 512], (256, 384, 512)),
        (300, [256, 300], (256, 300)),
        (256, [256], (256,)),
    ],
)
def test_stages_go_from_coarse_to_fine(
    size: int, sides: list[int], compared: tuple[int, ...]
) -> None:
    levels = plan(size)
    assert [level.side for level in levels] == sides
    assert levels[-1].sizes == compared
    assert [2 * level.iterations for level in levels] == [i.iterations for i in plan(size, 2)]


@pytest.mark.parametrize(("size", "effort"), [(0, 1.0), (255, 1.0), (1024, 1.0), (512, 0.0)])
def test_sizes_and_efforts_that_make_no_sense_are_refused(size: int, effort: float) -> None:
    with pytest.raises(InputError):
        plan(size, effort)


# --- what is shipped -----------------------------------------------------------------------------


def test_every_style_has_a_portrait() -> None:
    assert sorted(read_figures()) == sorted(SHIPPED)
    assert {file.name for file in PORTRAITS.iterdir()} == {
        "portraits.json", *(f"{style}.jpg" for style in SHIPPED)
    }  # fmt: skip


@pytest.mark.parametrize("style", SHIPPED)
def test_a_shipped_portrait_is_the_one_that_was_measured(style: str) -> None:
    about, file = read_figures()[style], PORTRAITS / f"{style}.jpg"
    assert pooch.file_hash(str(file), alg="sha256") == about["sha256"]
    with Image.open(file) as image:
        assert max(image.size) == about["size"]
        assert image.mode == "RGB"
        assert JpegImagePlugin.get_sampling(image) == 0  # 4:4:4
        image.load()
    for errors in about["style_error"].values():
        assert int(max(errors, key=int)) == about["size"]


@pytest.mark.parametrize("style", SHIPPED)
def test_a_shipped_portrait_has_the_painting_s_grams(
    style: str, slim: VGG19, assets_folder: Path
) -> None:
    about = read_figures()[style]
    stranger = SHIPPED[(SHIPPED.index(style) + 1) % len(SHIPPED)]
    places = (assets_folder / kind / about["painting"] for kind in ("styles", "paintings"))
    painting = load_image(next(place for place in places if place.is_file()))
    for size in (256, about["size"]):
        target = measure_style(slim, resize(painting, size).rgb, STYLE_LAYERS)
        own, other = (
            style_error(slim, resize(load_image(PORTRAITS / f"{name}.jpg"), size).rgb, target)
            for name in (style, stranger)
        )
        assert own.item() == pytest.approx(about["style_error"]["slim"][str(size)], abs=5e-4)
        assert own < BOUND < other
