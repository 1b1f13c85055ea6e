"""fst.losses.brightness: light where the photo is light, in the painting's own range."""

import numpy as np
import pytest
import torch
from skimage import data
from torch import Tensor

from fst.losses.brightness import BLUR, UNSEEN, brightness_error
from fst.losses.colors import color_moments


def photo() -> Tensor:
    return torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None, :, :128, :160] / 255


def painting(seed: int, spread: float = 0.1) -> Tensor:
    torch.manual_seed(seed)
    return (torch.rand(1, 3, 1, 1) + spread * torch.randn(1, 3, 40, 56)).clamp(0, 1)


def gray(brightness: np.ndarray) -> Tensor:
    return torch.from_numpy(brightness).float().expand(1, 3, *brightness.shape).clone()


def by_hand(image: Tensor, own: Tensor, aim: Tensor) -> float:
    """Each square's mean by itself, in float64."""
    seen, shown, painted = (
        x[0].double().numpy().transpose(1, 2, 0) @ np.array([0.299, 0.587, 0.114])
        for x in (image, own, aim)
    )
    wanted = (shown - shown.mean()) / max(shown.std(), UNSEEN)
    found = (seen - painted.mean()) / max(painted.std(), UNSEEN)
    squares = [
        (found - wanted)[top : top + BLUR, left : left + BLUR].mean()
        for top in range(0, seen.shape[0] - BLUR + 1, BLUR // 2)
        for left in range(0, seen.shape[1] - BLUR + 1, BLUR // 2)
    ]
    return float(np.log1p(np.square(squares).mean()))


def test_it_is_the_mean_square_over_squares_in_the_paintings_range() -> None:
    photos = torch.cat([photo(), photo().flip(3)])
    images = torch.cat([painting(1), painting(2)])[..., :40, :56]
    photos = photos[..., 30:70, 20:76].contiguous()
    aims = [painting(3), painting(4, 0.2)]
    found = brightness_error(images, photos, torch.cat([color_moments(aim) for aim in aims]))
    for i, aim in enumerate(aims):
        own = by_hand(images[i : i + 1], photos[i : i + 1], aim)
        assert found[i].item() == pytest.approx(own, rel=1e-3)


def test_a_photo_in_the_paintings_range_is_without_error_and_its_negative_is_not() -> None:
    aim = painting(5)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    own, other = ((x[0] * weights).sum(0).numpy() for x in (photo(), aim))
    unit = (own - own.mean()) / own.std()
    right, wrong = (gray(other.mean() + sign * other.std() * unit) for sign in (1, -1))
    even = gray(np.full_like(own, other.mean()))
    errors = [
        brightness_error(image, photo(), color_moments(aim)).item()
        for image in (right, even, wrong)
    ]
    assert errors[0] == pytest.approx(0, abs=1e-5)
    assert errors[0] < errors[1] < errors[2]
    assert errors[1] < np.log1p(1)  # squares vary less than pixels do


def test_blank_photos_and_gray_paintings_are_finite_in_their_gradients() -> None:
    image = torch.rand(1, 3, 32, 32).requires_grad_()
    flat = torch.full((1, 3, 32, 32), 0.4)
    error = brightness_error(image, flat, color_moments(flat)).sum()
    (gradient,) = torch.autograd.grad(error, image)
    assert gradient.isfinite().all()
    assert brightness_error(flat, flat, color_moments(flat)).item() == pytest.approx(0, abs=1e-5)


def test_gradients_bring_light_where_the_photo_is_light() -> None:
    image = torch.full_like(photo(), 0.5).requires_grad_()
    (gradient,) = torch.autograd.grad(
        brightness_error(image, photo(), color_moments(painting(6))).sum(), image
    )
    (left, right), brightness = ((0, 80), (80, 160)), photo().mean((0, 1, 2))
    halves = [brightness[a:b].mean() for a, b in (left, right)]
    wanted = [-gradient[..., a:b].mean() for a, b in (left, right)]
    assert (halves[0] < halves[1]) == (wanted[0] < wanted[1])


def test_smaller_pictures_are_refused() -> None:
    small = torch.rand(1, 3, 15, 40)
    with pytest.raises(ValueError, match="16 pixels"):
        brightness_error(small, small, color_moments(small))
