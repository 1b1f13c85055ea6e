"""fst.losses.style.patches: against loops over all pairs of patches, and in little memory."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils._python_dispatch import TorchDispatchMode

from fst.errors import InputError
from fst.losses.style.patches import error, measure, nearest, patches


def begins(side: int, size: int, stride: int) -> list[int]:
    return sorted({*range(0, side - size, stride), side - size})


def cut(features: NDArray[np.float64], size: int, stride: int) -> list[NDArray[np.float64]]:
    rows, columns = (begins(side, size, stride) for side in features.shape[1:])
    return [features[:, r : r + size, c : c + size].ravel() for r in rows for c in columns]


@pytest.mark.parametrize(("size", "stride"), [(3, 2), (3, 1), (1, 1), (2, 2), (5, 3)])
def test_the_error_is_that_to_the_nearest_patch_of_all(size: int, stride: int) -> None:
    generator = np.random.default_rng(0)
    painting, pictures = generator.normal(0, 1, (1, 3, 8, 7)), generator.normal(0, 1, (2, 3, 6, 9))
    target = measure(torch.from_numpy(painting), size, stride)
    found = error(torch.from_numpy(pictures), target, size=size, stride=stride)
    candidates = cut(painting[0], size, stride)
    energy = np.mean([(patch**2).sum() for patch in candidates])
    for picture, value in zip(pictures, found, strict=True):
        own, expected = cut(picture, size, stride), 0.0
        for patch in own:
            likeness = [patch @ other / np.linalg.norm(other) for other in candidates]
            expected += ((patch - candidates[int(np.argmax(likeness))]) ** 2).sum()
        assert value.item() == pytest.approx(expected / len(own) / energy, rel=1e-9)


class _Largest(TorchDispatchMode):
    """Notes the bytes of the largest tensor that is made."""

    bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor):
            self.bytes = max(self.bytes, result.numel() * result.element_size())
        return result


def test_memory_is_bounded_and_changes_nothing() -> None:
    painting, picture = torch.randn(1, 8, 40, 40), torch.randn(1, 8, 36, 44)
    largest, found = [], []
    for memory in (1 << 30, 1 << 17):
        with _Largest() as seen:
            statistic = patches(3, 1, memory)
            found.append(statistic.error(picture, statistic.measure(painting), 0))
        largest.append(seen.bytes)
    torch.testing.assert_close(*found)
    assert largest[0] >= 4 * (38 * 38) * (34 * 42)  # all pairs at once
    features = 4 * 8 * 40 * 44
    assert largest[1] <= max(1 << 17, 8 * 9 * 38 * 42, features)  # a place for each position
    little, small = painting[0, :, :5, :6], picture[0, :, :4, :5]
    places = nearest(small, little, 3, 1, 1)  # never less than a patch at once
    assert torch.equal(places, nearest(small, little, 3, 1))


def test_gradients_take_no_memory_for_patches() -> None:
    painting, picture = torch.randn(1, 8, 20, 20), torch.randn(1, 8, 20, 20).requires_grad_()
    statistic, kept = patches(5, 1, 1 << 14), []
    target = statistic.measure(painting)

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor.untyped_storage().nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        statistic.error(picture, target, 0)
    assert sum(kept) < 4 * 4 * picture.numel()  # of 25 times that


def test_features_smaller_than_a_patch_are_refused_with_the_remedy() -> None:
    with pytest.raises(InputError) as caught:
        measure(torch.rand(1, 4, 2, 9))
    assert all(word in str(caught.value) for word in ("3 x 3", "9 x 2", "patch_size"))
    target = measure(torch.rand(1, 4, 5, 5))
    with pytest.raises(InputError, match="3 x 3"):
        error(torch.rand(1, 4, 9, 2), target)
