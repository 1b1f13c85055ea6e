"""fst.image.recolor: against NumPy's moments and histograms."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.image.recolor import as_bright, in_gray, recolored


def picture(low: float, high: float, seed: int, size: tuple[int, int] = (40, 48)) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.rand(3, 3, generator=generator)
    colors = torch.einsum("oc,chw->ohw", mixing, torch.rand(3, *size, generator=generator))
    colors = (colors - colors.min()) / (colors.max() - colors.min())
    return (low + (high - low) * colors)[None]


PAINTING, PHOTO = picture(0.1, 0.9, 1), picture(0.35, 0.65, 2, (30, 50))


def moments(image: Tensor) -> tuple[np.ndarray, np.ndarray]:
    colors = image[0].double().flatten(1).numpy()
    return colors.mean(1), np.cov(colors, bias=True)


@pytest.mark.parametrize("how", ["cholesky", "eigen"])
def test_mean_and_covariance_of_the_colors_are_the_photos(how: str) -> None:
    found, wanted = moments(recolored(PAINTING, PHOTO, how)), moments(PHOTO)
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-3)
    np.testing.assert_allclose(found[1], wanted[1], atol=2e-4)
    assert not np.allclose(moments(PAINTING)[1], wanted[1], atol=2e-3)


def test_the_symmetric_roots_leave_a_painting_of_these_colors_as_it_is() -> None:
    """The identity is its own root; and it moves colors less than the Cholesky factors do."""
    torch.testing.assert_close(recolored(PHOTO, PHOTO, "eigen"), PHOTO, atol=1e-4, rtol=0)
    moved = {how: recolored(PAINTING, PHOTO, how) - PAINTING for how in ("eigen", "cholesky")}
    assert moved["eigen"].norm() <= moved["cholesky"].norm()


def test_every_channel_gets_the_photos_histogram() -> None:
    before = PAINTING.clone()
    found = recolored(PAINTING, PHOTO, "histogram")
    for channel in range(3):
        quantiles = [
            np.quantile(image[0, channel].numpy(), np.linspace(0.02, 0.98, 20))
            for image in (found, PHOTO)
        ]
        np.testing.assert_allclose(*quantiles, atol=0.01)
    assert torch.equal(PAINTING, before)


@pytest.mark.parametrize("how", ["cholesky", "eigen", "histogram"])
def test_a_gray_painting_can_be_recolored(how: str) -> None:
    gray = PAINTING[:, :1].expand(-1, 3, -1, -1).contiguous()
    found = recolored(gray, PHOTO, how)
    assert bool(torch.isfinite(found).all())
    assert 0 <= float(found.min()) <= float(found.max()) <= 1


def test_an_unknown_way_lists_those_there_are() -> None:
    with pytest.raises(InputError, match="recolor must be one of cholesky, eigen, histogram"):
        recolored(PAINTING, PHOTO, "hue")


def test_a_painting_as_bright_as_a_photo_has_its_lumas_mean_and_deviation() -> None:
    weights = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    luma = np.tensordot(weights, PHOTO[0].double().numpy(), 1)
    found = as_bright(PAINTING, PHOTO)
    assert torch.equal(found[:, 0], found[:, 2])
    values = found[0, 0].double().numpy()
    assert values.mean() == pytest.approx(luma.mean(), abs=1e-5)
    assert values.std() == pytest.approx(luma.std(), abs=1e-5)
    np.testing.assert_allclose(in_gray(PHOTO)[0, 1].numpy(), luma, atol=1e-5)
