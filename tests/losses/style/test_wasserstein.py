"""fst.losses.style.wasserstein: against SciPy's matrix square root."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.linalg import sqrtm

from fst.losses.style.wasserstein import error, measure


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Squared, of Gaussians with the moments of ``(C, positions)``; without a ridge."""
    first, second = np.cov(one, bias=True), np.cov(other, bias=True)
    root = sqrtm(second)
    shared = np.trace(np.real(sqrtm(root @ first @ root)))
    means = ((one.mean(1) - other.mean(1)) ** 2).sum()
    return float(means + np.trace(first) + np.trace(second) - 2 * shared)


def test_the_error_is_the_distance_of_gaussians() -> None:
    generator = np.random.default_rng(0)
    mixed = generator.normal(0, 1, (5, 5))
    painting = (mixed @ generator.normal(1, 2, (5, 42))).reshape(1, 5, 6, 7)
    pictures = generator.normal(1, 2, (2, 5, 8, 9))
    found = error(torch.from_numpy(pictures), measure(torch.from_numpy(painting)))
    theirs = painting.reshape(5, -1)
    energy = (theirs.mean(1) ** 2).sum() + np.trace(np.cov(theirs, bias=True))
    for picture, value in zip(pictures, found, strict=True):
        expected = distance(picture.reshape(5, -1), theirs) / energy
        assert value.item() == pytest.approx(expected, rel=0.003)  # the ridge


def test_of_one_channel_it_is_that_of_mean_and_deviation() -> None:
    """Gaussians on a line: ``(m - m')^2 + (s - s')^2``."""
    painting, picture = torch.randn(1, 1, 6, 6).double(), 3 + 2 * torch.randn(1, 1, 5, 4).double()
    mean, deviation = painting.mean(), painting.std(correction=0)
    expected = (picture.mean() - mean) ** 2 + (picture.std(correction=0) - deviation) ** 2
    expected = expected / painting.square().mean()
    assert error(picture, measure(painting)).item() == pytest.approx(expected.item(), rel=1e-3)


def test_float32_has_the_value_and_the_gradient_of_float64() -> None:
    """Of features that are correlated, and more than positions."""
    generator = torch.Generator().manual_seed(0)
    shared = torch.randn(24, 6, generator=generator).double()
    painting, picture = (
        (shared @ torch.randn(6, 20, generator=generator).double()).relu().view(1, 24, 4, 5)
        for _ in range(2)
    )
    found = []
    for dtype in (torch.float64, torch.float32):
        features = picture.to(dtype).requires_grad_()
        value = error(features, measure(painting.to(dtype)))
        (gradient,) = torch.autograd.grad(value.sum(), features)
        found.append((value.double(), gradient.double()))
    (exact, direction), (value, gradient) = found
    assert value.item() == pytest.approx(exact.item(), rel=1e-4)
    assert (gradient - direction).norm() < 1e-3 * direction.norm()
