"""fst.losses.style.sliced: against NumPy's sorting along the same directions."""

import numpy as np
import pytest
import torch

from fst.losses.style.sliced import directions, error, measure


@pytest.mark.parametrize("draw", [0, 5])
def test_the_error_is_that_of_sorted_projections(draw: int) -> None:
    generator = np.random.default_rng(0)
    painting, pictures = generator.normal(2, 3, (1, 4, 5, 6)), generator.normal(1, 2, (2, 4, 3, 10))
    found = error(torch.from_numpy(pictures), measure(torch.from_numpy(painting)), draw)
    along = directions(4, draw).double().numpy()
    for picture, value in zip(pictures, found, strict=True):
        difference = energy = 0.0
        for direction in along:
            wanted = np.sort(np.tensordot(direction, painting[0], 1).ravel())
            own = np.sort(np.tensordot(direction, picture, 1).ravel())
            difference += ((own - wanted) ** 2).sum()
            energy += (wanted**2).sum()
        assert value.item() == pytest.approx(difference / energy, rel=1e-6)


def test_another_number_of_positions_is_compared_by_quantiles() -> None:
    """Each value of the painting twice is the same distribution, but between quantiles."""
    painting = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0)).double()
    target = measure(painting)
    assert error(painting.repeat(1, 1, 2, 1), target).item() < 1e-3
    assert error(painting[..., ::2, :], target).item() < 0.05
    assert error(1.5 * painting.repeat(1, 1, 2, 1), target).item() == pytest.approx(0.25, rel=0.02)


def test_directions_are_unit_vectors_and_follow_from_the_draw_alone() -> None:
    torch.manual_seed(1)
    one = directions(16, 3)
    torch.manual_seed(2)
    assert torch.equal(one, directions(16, 3))
    assert not torch.allclose(one, directions(16, 4))
    torch.testing.assert_close(one.norm(dim=1), torch.ones(16))
    assert torch.equal(directions(16, -1), directions(16, 2**63 - 1))  # any seed will do
