"""Every measure finds its fault, in the size that was put in, and nothing else."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fst.evaluation import artifacts
from fst.evaluation.artifacts import Artifacts, measure_artifacts


def textured(seed: int = 0, height: int = 256, width: int = 320) -> Tensor:
    """Noise with the spectrum of a photo: as much energy in every octave; ``(1, 3, H, W)``."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 3, height, width)
    for octave in range(6):
        size = (height >> octave, width >> octave)
        noise = torch.randn(1, 3, *size, generator=generator)
        picture += F.interpolate(noise, (height, width), mode="bicubic")
    return (0.5 + 0.06 * picture).clamp(0.02, 0.98)


def test_a_copy_has_no_artifacts() -> None:
    found = measure_artifacts(lambda photo: photo, textured())
    assert found.border == pytest.approx(1, abs=1e-5)
    assert found.checkerboard < 1.8
    assert (found.dots, found.flat, found.saturated) == (0, 0, 0)


@pytest.mark.parametrize("factor", [0.0, 0.5, 2.0])
def test_a_border_of_another_contrast_is_its_square(factor: float) -> None:
    def paint(photo: Tensor) -> Tensor:
        ring = torch.ones_like(photo)
        # beyond the ring the high pass still sees two of its pixels
        inner = artifacts.RING
        ring[..., inner:-inner, inner:-inner] = 0
        smooth = F.avg_pool2d(F.pad(photo, (4, 4, 4, 4), mode="reflect"), 9, 1)
        return photo + ring * (factor - 1) * (photo - smooth)

    found = measure_artifacts(paint, textured())
    exact = measure_artifacts(lambda photo: photo, textured())
    if factor == 0:
        assert found.border < 0.2
    else:
        assert found.border == pytest.approx(exact.border * factor**2, rel=0.25)


def test_zero_padding_shows_at_the_border_and_reflection_does_not() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 3, 9, bias=False)
    nn.init.constant_(conv.weight, 1 / (3 * 81))

    def paint(mode: str) -> float:
        def one(photo: Tensor) -> Tensor:
            painted: Tensor = conv(F.pad(photo, (4, 4, 4, 4), mode=mode))
            return painted

        return measure_artifacts(one, textured()).border

    assert paint("constant") > 3
    assert 0.7 < paint("reflect") < 1.3


@pytest.mark.parametrize("period", [2, 4])
@pytest.mark.parametrize("axes", [(2,), (3,), (2, 3)])
def test_a_pattern_of_the_upsamplings_period_is_a_peak(period: int, axes: tuple[int, ...]) -> None:
    def paint(photo: Tensor) -> Tensor:
        pattern = torch.zeros(1)
        for axis in axes:
            places = torch.arange(photo.shape[axis]) % period < period // 2
            shape = [1, 1, 1, 1]
            shape[axis] = -1
            pattern = pattern + (places.float() - 0.5).view(shape)
        return photo + 0.02 * pattern

    assert measure_artifacts(paint, textured()).checkerboard > 4
    assert measure_artifacts(lambda photo: photo, textured()).checkerboard < 1.8


def test_a_pattern_of_another_period_is_none() -> None:
    def paint(photo: Tensor) -> Tensor:
        wave = torch.sin(2 * torch.pi * torch.arange(photo.shape[3]) / 6.4)
        return photo + 0.05 * wave

    assert measure_artifacts(paint, textured()).checkerboard < 1.8


def test_transposed_convolution_leaves_a_checkerboard_and_resizing_does_not() -> None:
    """Odena et al. 2016: a kernel that the stride does not divide."""
    torch.manual_seed(1)
    down = nn.AvgPool2d(2)
    transposed = nn.ConvTranspose2d(3, 3, 3, 2, 1, 1, groups=3, bias=False)
    nn.init.constant_(transposed.weight, 0.45)

    def resized(photo: Tensor) -> Tensor:
        return F.interpolate(down(photo), scale_factor=2.0, mode="bilinear")

    def uneven(photo: Tensor) -> Tensor:
        painted: Tensor = transposed(down(photo))
        return painted

    assert measure_artifacts(uneven, textured()).checkerboard > 10
    assert measure_artifacts(resized, textured()).checkerboard < 3


def test_dots_are_counted_per_million() -> None:
    def paint(photo: Tensor) -> Tensor:
        painted = photo.clone()
        painted[..., 40:-40:16, 40:-40:16] = 1.0
        return painted

    photo = 0.3 + 0.1 * textured()
    count = len(range(40, 256 - 40, 16)) * len(range(40, 320 - 40, 16))
    assert measure_artifacts(paint, photo).dots == pytest.approx(1e6 * count / (256 * 320))


def test_strokes_are_no_dots() -> None:
    def paint(photo: Tensor) -> Tensor:
        painted = photo.clone()
        painted[..., 100:104, 50:200] = 1.0
        return painted

    corners = 4 * 3  # most of what lies around these is background
    assert measure_artifacts(paint, 0.3 + 0.1 * textured()).dots <= 1.001e6 * corners / (256 * 320)


def test_flat_and_saturated_areas_are_shares_of_the_picture() -> None:
    def paint(photo: Tensor) -> Tensor:
        painted = photo.clone()
        painted[..., :128, :] = 0.5
        painted[..., :64, :] = 1.0
        return painted

    found = measure_artifacts(paint, textured())
    assert found.flat == pytest.approx(0.5)
    assert found.saturated == pytest.approx(0.25)


def test_a_photos_own_faults_are_not_the_nets() -> None:
    photo = textured()
    photo[..., :128, :] = 1.0
    assert measure_artifacts(lambda x: x, photo)[2:5] == (0, 0, 0)


def test_a_painter_that_reuses_its_memory_is_measured_alike() -> None:
    memory = torch.empty(0)

    def paint(photo: Tensor) -> Tensor:
        nonlocal memory
        memory = memory.new_empty(photo.shape) if memory.shape != photo.shape else memory
        memory.copy_(1 - photo)
        return memory

    assert measure_artifacts(paint, textured()) == measure_artifacts(
        lambda photo: 1 - photo, textured()
    )


def test_a_picture_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="96 pixels"):
        measure_artifacts(lambda photo: photo, torch.rand(1, 3, 90, 200))


def test_the_least_side_suffices_for_every_measure() -> None:
    found = measure_artifacts(lambda photo: photo, torch.rand(1, 3, 96, 97))
    assert all(math.isfinite(value) for value in found)


def test_one_value_is_everywhere_no_error() -> None:
    found = measure_artifacts(lambda photo: torch.zeros_like(photo), torch.zeros(1, 3, 128, 128))
    assert isinstance(found, Artifacts)
    assert all(value == value for value in found)


def test_a_photo_with_more_of_a_fault_than_its_picture_gives_no_negative_figures() -> None:
    photo = 0.3 + 0.1 * textured()
    photo[..., 40:-40:16, 40:-40:16] = 1.0  # dots
    photo[..., :16, :] = 1.0
    found = measure_artifacts(lambda photo: 0.3 + 0.1 * textured(1, *photo.shape[2:]), photo)
    assert (found.dots, found.flat, found.saturated) == (0, 0, 0)


def test_what_no_eye_can_see_is_no_artifact() -> None:
    """A flat picture, with less than a file's rounding on it: its quotients would be of nothing."""
    generator = torch.Generator().manual_seed(3)

    def paint(photo: Tensor) -> Tensor:
        places = (torch.arange(photo.shape[3]) % 4 < 2).float()
        return photo + 1e-5 * places + 1e-6 * torch.rand(photo.shape, generator=generator)

    found = measure_artifacts(paint, torch.full((1, 3, 128, 160), 0.5))
    assert found.border == pytest.approx(1)
    assert found.checkerboard == pytest.approx(1)


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_figures_of_flat_photos_stay_within_what_can_be_meant(level: float) -> None:
    def paint(photo: Tensor) -> Tensor:  # one line of strokes on nothing
        painted = photo.clone()
        painted[..., 60:64, :] = 0.25
        return painted

    found = measure_artifacts(paint, torch.full((1, 3, 128, 160), level))
    assert all(0 <= value < 1e5 for value in found)


def test_a_pattern_that_the_photo_has_already_is_not_the_nets() -> None:
    def pattern(photo: Tensor) -> Tensor:
        return 0.02 * (torch.arange(photo.shape[3]) % 4 < 2).float()

    photo = textured()
    photo = photo + pattern(photo)
    assert measure_artifacts(lambda x: x, photo).checkerboard == pytest.approx(1)
    assert measure_artifacts(lambda x: x + 2 * pattern(x), photo).checkerboard == pytest.approx(
        9, rel=0.3
    )


def test_a_weave_on_flat_places_is_regular_and_has_its_period() -> None:
    def paint(photo: Tensor) -> Tensor:
        weave = torch.sin(2 * torch.pi * torch.arange(photo.shape[3]) / 9)
        return photo + 0.05 * weave

    photo = textured()
    photo[..., :160] = 0.5
    found = measure_artifacts(paint, photo)
    assert found.regularity > 0.9
    assert found.period == pytest.approx(9)
    assert measure_artifacts(lambda photo: photo, textured()).regularity < 0.1


def test_more_cuts_bring_the_border_of_a_perfect_painting_nearer_to_one() -> None:
    """Strokes that depend on what lies next to them: noise, thresholded after a blur."""

    def paint(photo: Tensor) -> Tensor:
        smooth = F.avg_pool2d(F.pad(photo, (4, 4, 4, 4), mode="reflect"), 9, 1)
        return (smooth > 0.5).float()

    assert all(abs(measure_artifacts(paint, textured(seed)).border - 1) < 0.08 for seed in range(4))
