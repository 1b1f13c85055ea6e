"""fst.inference.flat: white stays light and calm areas calm; photos are painted as ever."""

from pathlib import Path

import pytest
import torch
from skimage import data
from torch import Tensor

from fst.image.io import load_pixels
from fst.inference.flat import Surroundings, fullness, photos_around
from fst.inference.painter import NetPainter
from fst.inference.strips import plans, run
from fst.styles.catalog import load_style
from fst.system.memory import parse_memory

STYLES = ["great_wave", "monet", "poppies", "starry_night", "the_scream"]


def flat(*color: float, side: int = 96) -> Tensor:
    return torch.tensor(color).view(1, 3, 1, 1).expand(1, 3, side, side).clone()


def photo() -> Tensor:
    return torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None, :, :128, :160] / 255


def dot() -> Tensor:
    picture = flat(1, 1, 1, side=160)
    picture[..., 80, 80] = 0
    return picture


def lines() -> Tensor:
    picture = flat(1, 1, 1, side=160)
    picture[..., 20:140:20, 10:150] = 0
    return picture


@pytest.mark.parametrize("picture", [flat(1, 1, 1), flat(0.2, 0.3, 0.8), dot(), flat(0, 0, 0)])
def test_blank_pictures_are_nothing_of_a_photo(picture: Tensor) -> None:
    assert fullness(picture) == 0


def test_noise_that_nobody_sees_and_paper_with_a_few_lines_are_hardly_photos() -> None:
    noise = 0.5 + 0.004 * torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert fullness(noise) == 0
    assert fullness(lines()) < 0.2


@pytest.mark.parametrize(("height", "width"), [(64, 64), (400, 300), (70, 2000)])
def test_grain_is_no_picture(height: int, width: int) -> None:
    grain = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    assert fullness((0.85 + 0.06 * grain).clamp(0, 1)) == 0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (300, 1), (5, 7), (15, 900)])
def test_small_and_thin_pictures_are_told_alike(height: int, width: int) -> None:
    assert fullness(torch.ones(1, 3, height, width)) == 0
    if height * width > 1:
        ramp = torch.linspace(0, 1, height * width).view(1, 1, height, width)
        assert fullness(ramp.expand(1, 3, -1, -1)) == 1


def test_photos_are_photos(assets_folder: Path) -> None:
    assert fullness(photo()) == fullness(photos_around()) == 1
    for path in sorted((assets_folder / "photos/eval").glob("*.jpg")):
        assert fullness(load_pixels(path)[None] / 255) == 1, path


def test_between_both_there_is_a_slope() -> None:
    shares = [fullness(0.5 + contrast * (photo() - 0.5)) for contrast in (0.05, 0.1, 0.12, 0.5)]
    assert shares == sorted(shares)
    assert 0 < shares[1] < 1


def test_the_moments_are_those_of_both_together() -> None:
    generator = torch.Generator().manual_seed(1)
    own = torch.randn(4, 300, generator=generator).double() * 2 + 1
    others = torch.randn(4, 700, generator=generator).double() - 3
    both = torch.cat([own, others], 1)
    around = Surroundings([(others.mean(1), others.var(1, correction=0))], 0.3)
    mean, variance = around.mixed(0, own.mean(1), own.var(1, correction=0))
    torch.testing.assert_close(mean, both.mean(1))
    torch.testing.assert_close(variance, both.var(1, correction=0))


@pytest.mark.parametrize("style", STYLES)
def test_white_stays_light_and_lighter_than_black(style: str) -> None:
    painter = NetPainter(load_style(style).net, margin=20)
    white, black = painter(flat(1, 1, 1)), painter(flat(0, 0, 0))
    assert white.mean() > black.mean() + 0.1
    assert white.mean() > 0.5


@pytest.mark.parametrize("style", STYLES)
def test_one_dot_leaves_the_paper_calm(style: str) -> None:
    painter = NetPainter(load_style(style).net, margin=20)
    painted, paper = painter(dot()), painter(flat(1, 1, 1, side=160))
    far = torch.ones(160, 160, dtype=torch.bool)
    far[30:130, 30:130] = False
    off = (painted - paper).abs()[0, :, far]
    assert off.max() < 3 / 255


def test_photos_are_painted_to_the_bit_as_without_surroundings() -> None:
    net = load_style("monet").net
    painter = NetPainter(net)
    with torch.no_grad():
        expected = run.run(net.stages(), photo()).sigmoid()
    assert torch.equal(painter(photo()), expected)
    assert painter.moments is None


def test_flat_pictures_are_the_same_in_strips_of_any_size_and_beside_photos() -> None:
    net = load_style("great_wave").net
    picture = torch.cat([dot()[..., :128, :], lines()[..., :128, :]], 3)[..., :160]
    whole = NetPainter(net)(picture)
    with torch.no_grad():
        moments = run.moments_of(net.stages(), photos_around())
        plan = plans.Plan(strip_bytes=100_000)
        around = Surroundings(moments, fullness(picture))
        in_strips = run.run(net.stages(), picture, plan=plan, around=around).sigmoid()
    torch.testing.assert_close(in_strips, whole, rtol=0, atol=1e-4)
    batch = NetPainter(net, memory=parse_memory("1GB"))(torch.cat([photo(), picture]))
    assert torch.equal(batch[1:], whole)
    assert torch.equal(batch[:1], NetPainter(net)(photo()))
