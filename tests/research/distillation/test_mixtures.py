"""fst.research.distillation.mixtures: photos, styles, noise and what lies between them."""

import pytest
import torch
from torch import Tensor

from fst.research.distillation.mixtures import mixed_pictures, regression_pictures

SIZE = 16


def gray(value: int) -> Tensor:
    return torch.full((3, 24, 20), value, dtype=torch.uint8)


PHOTOS = [gray(51), gray(102)]  # 0.2 and 0.4
STYLES = torch.full((2, 3, 24, 24), 0.8)


def kind(picture: Tensor) -> str:
    """Flat pictures are known by their value; noise by its deviation."""
    if picture.std() > 0.2:
        return "noise"
    return {20: "photo", 40: "photo", 80: "style"}.get(round(100 * picture.mean().item()), "mixed")


def test_regression_is_on_as_many_photos_as_styles_and_some_noise() -> None:
    pictures = regression_pictures(PHOTOS, STYLES, SIZE, seed=0)
    assert pictures.shape == (48, 3, SIZE, SIZE)
    kinds = [kind(picture) for picture in pictures]
    assert {name: kinds.count(name) for name in set(kinds)} == {
        "noise": 4,
        "photo": 24,
        "style": 20,
    }
    # all photos take part
    assert {round(p.mean().item(), 1) for p in pictures if kind(p) == "photo"} == {0.2, 0.4}
    assert torch.equal(pictures, regression_pictures(PHOTOS, STYLES, SIZE, seed=0))
    assert not torch.equal(pictures, regression_pictures(PHOTOS, STYLES, SIZE, seed=1))


def black(pictures: Tensor) -> Tensor:
    return torch.zeros_like(pictures)


@pytest.mark.parametrize("painted", [[], [black]])
def test_a_batch_has_all_kinds(painted: list) -> None:
    pictures = mixed_pictures(PHOTOS, STYLES, painted, SIZE, torch.Generator().manual_seed(0))
    assert pictures.shape == (16, 3, SIZE, SIZE)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    kinds = [kind(picture) for picture in pictures]
    assert kinds[:5] == ["style"] * 5
    assert kinds[10:] == ["photo"] * 6
    assert 0.2 <= pictures[5].mean() <= 0.8  # between a photo and a style
    assert pictures[5].std() < 1e-6
    assert pictures[6].std() > 0.01  # and noise
    assert 0.001 < pictures[7].std() < 0.1  # a little of it
    if painted:
        assert pictures[8].eq(0).all()
        assert round(pictures[9].mean().item(), 2) in (0.1, 0.2)  # half of a photo
    else:
        assert kinds[8:10] == ["photo"] * 2
