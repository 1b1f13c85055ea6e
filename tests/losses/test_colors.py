"""Colors against the painting's, in its own directions."""

import numpy as np
import pytest
import torch
from torch import Tensor

from fst.losses.colors import UNSEEN, color_error, color_moments


def picture(seed: int, spread: float = 0.1) -> Tensor:
    torch.manual_seed(seed)
    mixing = torch.rand(3, 3)
    colors = torch.einsum("ij,jhw->ihw", mixing, spread * torch.randn(3, 24, 30))
    return (0.5 + colors)[None].clamp(0, 1)


def by_hand(image: Tensor, painting: Tensor) -> float:
    """In the painting's principal directions, each against its own variance."""
    own, aim = (x[0].flatten(1).double().numpy() for x in (image, painting))
    variances, directions = np.linalg.eigh(np.cov(aim, bias=True))
    scale = directions / np.sqrt(variances + UNSEEN**2)
    difference = scale.T @ (np.cov(own, bias=True) - np.cov(aim, bias=True)) @ scale
    shift = np.square(own.mean(1) - aim.mean(1)).sum() / (variances.sum() + UNSEEN**2)
    return float(np.log1p(np.square(difference).sum() / 3) + np.log1p(shift))


def test_it_is_the_relative_error_in_the_paintings_own_directions() -> None:
    images = torch.cat([picture(1), picture(2)])
    paintings = [picture(3), picture(4, 0.2)]
    wanted = torch.cat([color_moments(painting) for painting in paintings])
    found = color_error(images, wanted)
    for i, painting in enumerate(paintings):
        assert found[i].item() == pytest.approx(by_hand(images[i : i + 1], painting), rel=1e-3)


def test_the_painting_itself_is_without_error() -> None:
    painting = picture(5)
    assert color_error(painting, color_moments(painting)).item() == pytest.approx(0, abs=1e-5)
    gray = torch.full((1, 3, 8, 8), 0.4)
    assert color_error(gray, color_moments(gray)).item() == pytest.approx(0, abs=1e-5)


def test_gradients_bring_the_colors_nearer() -> None:
    image, wanted = picture(6).requires_grad_(), color_moments(picture(7))
    before = color_error(image, wanted).sum()
    (gradient,) = torch.autograd.grad(before, image)
    assert gradient.isfinite().all()
    step = 0.01 * gradient / gradient.abs().max()
    assert color_error(image - step, wanted).sum() < before


def test_moments_of_a_mixture_are_mixtures() -> None:
    one, other = picture(8), picture(9)
    both = color_moments(torch.cat([one, other], 3))
    torch.testing.assert_close(both, (color_moments(one) + color_moments(other)) / 2)
