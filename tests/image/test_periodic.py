"""fst.image.periodic: against a dense solution of the discrete Poisson equation, and by hand."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from support import make_photo
from torch import Tensor

from fst.image.periodic import periodic
from fst.image.picture import from_pil


def pale(height: int, width: int) -> Tensor:
    """Noise with so little contrast that nothing has to be clamped."""
    generator = torch.Generator().manual_seed(0)
    return 0.4 + 0.2 * torch.rand(1, 3, height, width, generator=generator)


def smooth_part(u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moisan's: the Laplacian on the torus is the jumps across the borders, the mean 0."""
    h, w = u.shape
    laplacian = np.zeros((h * w, h * w))
    jumps = np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            for dy, dx in [(0, 1), (0, -1), (1, 0), (-1, 0)]:
                neighbor = (y + dy) % h, (x + dx) % w
                laplacian[y * w + x, y * w + x] -= 1
                laplacian[y * w + x, neighbor[0] * w + neighbor[1]] += 1
                if neighbor != (y + dy, x + dx):  # over the border
                    jumps[y, x] += u[neighbor] - u[y, x]
    # the solution of least norm has no mean: constants are all that the Laplacian loses
    solution = np.linalg.lstsq(laplacian, jumps.ravel(), rcond=None)[0]
    return np.asarray(solution.reshape(h, w))


def jumps(image: Tensor) -> Tensor:
    """How far opposite borders are apart, in the mean."""
    upright = (image[:, :, 0] - image[:, :, -1]).abs().mean()
    return upright + (image[..., 0] - image[..., -1]).abs().mean()


@pytest.mark.parametrize("size", [(6, 8), (7, 5), (5, 6), (3, 9)])
def test_the_smooth_part_solves_poissons_equation(size: tuple[int, int]) -> None:
    photo = pale(*size)
    u = photo[0].double().numpy()
    expected = np.stack([channel - smooth_part(channel) for channel in u])
    assert 0 < expected.min()
    assert expected.max() < 1
    np.testing.assert_allclose(periodic(photo)[0].numpy(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("upright", [False, True])
@pytest.mark.parametrize("length", [16, 3001, 40000])
def test_the_smooth_part_of_a_long_ramp_is_a_straight_line(length: int, upright: bool) -> None:
    # a line's second differences are 0 inside; its slope is the jump over the number of pixels
    places = torch.arange(length, dtype=torch.float64)
    ramp = 0.2 + 0.6 * places / (length - 1)
    expected = ramp - 0.6 / length * (places - (length - 1) / 2)
    photo, expected = (row.float().expand(1, 3, 2, length) for row in (ramp, expected))
    result = periodic(photo.mT).mT if upright else periodic(photo)
    torch.testing.assert_close(result, expected, rtol=0, atol=1e-6)


def test_the_mean_of_every_channel_is_kept() -> None:
    photo = pale(20, 31)
    means = periodic(photo).double().mean((2, 3))
    torch.testing.assert_close(means, photo.double().mean((2, 3)), rtol=0, atol=1e-7)


def test_a_photo_with_equal_borders_stays_as_it_is() -> None:
    photo = pale(20, 24)
    photo[:, :, -1] = photo[:, :, 0]
    photo[..., -1] = photo[..., 0]
    torch.testing.assert_close(periodic(photo), photo, rtol=0, atol=1e-6)


def test_opposite_borders_are_drawn_together() -> None:
    photo = from_pil(make_photo(96, 80)).rgb
    assert jumps(periodic(photo)) < jumps(photo) / 5


def test_the_result_is_in_range_and_as_large_as_the_photo() -> None:
    photo = pale(17, 22).sub(0.4).mul(5).round()
    result = periodic(photo)
    assert result.shape == photo.shape
    assert result.dtype == torch.float32
    assert 0 <= result.min() <= result.max() <= 1


def test_the_photo_is_not_changed() -> None:
    photo = pale(8, 9)
    before = photo.clone()
    periodic(photo)
    assert torch.equal(photo, before)
