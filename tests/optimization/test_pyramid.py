"""fst.optimization.pyramid: from a small picture to a large one."""

import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import resize_tensor
from fst.losses.perceptual import PerceptualLoss
from fst.optimization.pixels import Iterate, optimize
from fst.optimization.pyramid import optimize_coarse_to_fine, pyramid


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def photo() -> Tensor:
    return draw(1, 3, 20, 24, seed=5)


def totals(iterates: list[Iterate]) -> list[float]:
    return [float(iterate.terms.total) for iterate in iterates]


def test_a_pyramid_grows_by_the_square_root_of_two() -> None:
    assert pyramid(500) == [500]
    assert pyramid(724) == [724]
    assert pyramid(2048) == [724, 1024, 1448, 2048]
    for side in (725, 1000, 5000):
        sides = pyramid(side)
        assert sides[-1] == side
        assert 724 / math.sqrt(2) - 1 < sides[0] <= 724
        for small, large in pairwise(sides):
            assert abs(large / small - math.sqrt(2)) < 0.01


def test_every_size_begins_where_the_smaller_one_ended(random_loss: PerceptualLoss) -> None:
    adam: dict[str, Any] = {"optimizer": "adam"}
    photo = torch.rand((1, 3, 40, 64), generator=torch.Generator().manual_seed(0))
    iterates = list(optimize_coarse_to_fine(random_loss, photo, 14, coarsest=32, **adam))
    assert [i.iteration for i in iterates] == list(range(15))
    assert [i.image.shape[3] for i in iterates] == [32] * 8 + [45] * 4 + [64] * 3
    small = resize_tensor(photo, (20, 32))
    *_, last = optimize(random_loss, small, iterations=8, **adam)
    began = resize_tensor(last.image.clamp(0, 1), (28, 45))
    torch.testing.assert_close(iterates[8].image, began, rtol=0, atol=1e-5)
    totals = [float(iterates[i].terms.total) for i in (0, 7, 8, 11, 12, 14)]
    assert totals[0] > totals[1]
    assert totals[2] > totals[3]
    assert totals[4] > totals[5]


def test_a_small_picture_is_optimized_at_once(random_loss: PerceptualLoss) -> None:
    photo = torch.rand((1, 3, 24, 32), generator=torch.Generator().manual_seed(0))
    plain = list(optimize(random_loss, photo, iterations=3, init="noise"))
    found = list(optimize_coarse_to_fine(random_loss, photo, 3, init="noise"))
    for one, other in zip(plain, found, strict=True):
        assert one.iteration == other.iteration
        assert torch.equal(one.image, other.image)


@pytest.mark.parametrize("at", [0, 3, 7, 8, 10, 13])
def test_who_goes_on_at_any_size_ends_at_the_same_picture(
    random_loss: PerceptualLoss, photo: Tensor, at: int
) -> None:
    settings: dict[str, Any] = {"init": "photo", "init_noise": 0.5, "coarsest": 16}
    whole = list(optimize_coarse_to_fine(random_loss, photo, 14, **settings))
    states = [
        iterate.state()
        for iterate in optimize_coarse_to_fine(random_loss, photo, 14, **settings)
        if iterate.state is not None and iterate.iteration == at
    ]
    rest = list(optimize_coarse_to_fine(random_loss, photo, 14, state=states[0], **settings))
    assert [i.iteration for i in rest] == list(range(at + 1, 15))
    for one, other in zip(rest, whole[at + 1 :], strict=True):
        assert torch.equal(one.image, other.image)


def test_the_last_iterate_is_the_largest_sizes(random_loss: PerceptualLoss, photo: Tensor) -> None:
    iterates = list(optimize_coarse_to_fine(random_loss, photo, 14, coarsest=16))
    assert [i.iteration for i in iterates if i.last] == [14]


def test_a_tolerance_ends_one_size_after_the_other(
    random_loss: PerceptualLoss, photo: Tensor
) -> None:
    tolerant: dict[str, Any] = {"tolerance": 0.99, "coarsest": 16}
    iterates = list(optimize_coarse_to_fine(random_loss, photo, 400, **tolerant))
    numbers = [i.iteration for i in iterates]
    assert numbers == list(range(len(numbers)))
    assert [i.image.shape[3] for i in iterates[::10]] == sorted(
        i.image.shape[3] for i in iterates[::10]
    )
    assert iterates[-1].last
    assert iterates[-1].image.shape == photo.shape
    # each size takes 20 iterations at least, and a few until the steep part is over
    assert 2 * 20 <= iterates[-1].iteration < 200


def test_noise_is_mixed_into_the_smallest_size_alone(
    random_loss: PerceptualLoss, photo: Tensor
) -> None:
    iterates = list(optimize_coarse_to_fine(random_loss, photo, 2, init_noise=1, coarsest=16))
    noise = torch.rand(iterates[0].image.shape, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(iterates[0].image, noise)
    began = resize_tensor(iterates[1].image.clamp(0, 1), (20, 24))
    assert (iterates[2].image - began).abs().mean() < 0.2  # not noise again


def test_a_state_of_another_optimization_is_one_line(
    random_loss: PerceptualLoss, photo: Tensor
) -> None:
    def state(**settings: Any) -> Any:
        iterate = next(iter(optimize_coarse_to_fine(random_loss, photo, 3, **settings)))
        assert iterate.state is not None
        return iterate.state()

    other = next(iter(optimize(random_loss, photo[:, :, :16], iterations=3)))
    assert other.state is not None
    wrong = [{}, other.state(), {**state(), "inside": other.state()}, {**state(), "inside": {}}]
    for one in wrong:
        with pytest.raises(InputError, match="another optimization"):
            list(optimize_coarse_to_fine(random_loss, photo, 3, state=one))
