"""fst.losses.style.histogram: against remapping by hand."""

import numpy as np
import pytest
import torch

from fst.losses.style.histogram import error, measure


def test_the_error_is_the_grams_and_that_to_the_remapped_features() -> None:
    generator = np.random.default_rng(0)
    painting, pictures = generator.normal(2, 3, (1, 4, 5, 6)), generator.normal(1, 2, (2, 4, 3, 10))
    found = error(torch.from_numpy(pictures), measure(torch.from_numpy(painting)))

    def gram(features: np.ndarray) -> np.ndarray:
        return np.einsum("chw,dhw->cd", features, features) / features[0].size

    wanted = gram(painting[0])
    for picture, value in zip(pictures, found, strict=True):
        remapped = np.empty_like(picture)
        for channel in range(4):  # the k-th smallest becomes the painting's k-th smallest
            ranks = picture[channel].ravel().argsort().argsort()
            remapped[channel] = np.sort(painting[0, channel].ravel())[ranks].reshape(3, 10)
        histogram = ((picture - remapped) ** 2).sum() / (remapped**2).sum()
        of_gram = ((gram(picture) - wanted) ** 2).sum() / (wanted**2).sum()
        assert value.item() == pytest.approx((histogram + of_gram) / 2, rel=1e-6)


def test_the_gradient_is_that_to_a_fixed_target() -> None:
    """Risser et al.: what features are remapped to is no function of them."""
    painting, picture = torch.randn(1, 2, 4, 4).double(), torch.randn(1, 2, 4, 4).double()
    target = measure(painting)
    free = picture.clone().requires_grad_()
    ranks = picture.flatten(2).argsort(2).argsort(2)
    remapped = painting.flatten(2).sort(2).values.gather(2, ranks).view_as(picture)
    expected = 2 * (picture - remapped) / remapped.square().sum() / 2
    of_gram = target["gram"]
    flat = picture.flatten(2)
    difference = flat @ flat.transpose(1, 2) / 16 - of_gram
    slope = 4 * (difference @ flat).view_as(picture) / 16 / of_gram.square().sum() / 2
    (gradient,) = torch.autograd.grad(error(free, target).sum(), free)
    torch.testing.assert_close(gradient, expected + slope)
