"""fst.losses.style.moments: against NumPy's means and deviations."""

import numpy as np
import pytest
import torch

from fst.losses.style.moments import error, measure


def test_the_error_is_that_of_means_and_deviations() -> None:
    generator = np.random.default_rng(0)
    painting, pictures = generator.normal(2, 3, (1, 4, 6, 7)), generator.normal(1, 2, (2, 4, 5, 3))
    found = error(torch.from_numpy(pictures), measure(torch.from_numpy(painting)))
    mean, deviation = painting[0].mean((1, 2)), painting[0].std((1, 2))
    for picture, value in zip(pictures, found, strict=True):
        expected = 0.0
        for channel in range(4):
            expected += (picture[channel].mean() - mean[channel]) ** 2
            expected += (picture[channel].std() - deviation[channel]) ** 2
        expected /= (mean**2).sum() + (deviation**2).sum()
        assert value.item() == pytest.approx(expected, rel=1e-4)


def test_a_channel_that_is_dead_has_no_gradient_and_disturbs_no_other() -> None:
    painting = torch.rand(1, 3, 5, 5)
    pictures = torch.rand(1, 3, 4, 4)
    pictures[:, 1] = 0
    pictures.requires_grad_()
    (gradient,) = torch.autograd.grad(error(pictures, measure(painting)).sum(), pictures)
    assert gradient.isfinite().all()
    assert gradient[:, 0].abs().max() > 0
