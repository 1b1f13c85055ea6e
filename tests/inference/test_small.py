"""Pictures too small for a net get a mirrored rim and come out in their size."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fst.inference.optimizing import OptimizingStylizer
from fst.inference.painter import NetPainter
from fst.inference.small import at_least
from fst.inference.stylizers import FeedForwardStylizer, RefiningStylizer
from fst.losses.perceptual import PerceptualLoss
from fst.nets.johnson import JohnsonNet
from fst.optimization.pixels import Iterate
from fst.styles.trained import TrainedStyle


def draw(height: int, width: int, count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(height * 31 + width)
    return torch.rand((count, 3, height, width), generator=generator)


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20))
def test_the_rim_is_numpys_reflection(height: int, width: int) -> None:
    photo = draw(height, width)
    wide, inside = at_least(photo, 16)
    assert wide.shape[2:] == (max(16, height), max(16, width))
    assert torch.equal(wide[inside], photo)
    pads = [(0, 0), (0, 0)]
    for side in (height, width):
        before = max(0, 16 - side) // 2
        pads.append((before, max(0, 16 - side) - before))
    # NumPy mirrors back and forth, and repeats where there is a single pixel
    np.testing.assert_array_equal(wide.numpy(), np.pad(photo.numpy(), pads, "reflect"))


def test_a_picture_large_enough_is_left_alone() -> None:
    photo = draw(16, 16)
    assert at_least(photo, 16)[0] is photo


@pytest.fixture(scope="module")
def fast() -> FeedForwardStylizer:
    torch.manual_seed(0)
    trained = TrainedStyle(JohnsonNet(width=4, residual_blocks=1).requires_grad_(False), {})
    return FeedForwardStylizer(trained, torch.device("cpu"))


@pytest.mark.parametrize("margin", [0, 20])
@pytest.mark.parametrize("size", [(1, 1), (1, 30), (15, 16), (5, 9), (20, 3)])
def test_one_pass_paints_the_middle_of_the_wide_picture(
    fast: FeedForwardStylizer, size: tuple[int, int], margin: int
) -> None:
    photos = draw(*size, count=2)
    painter = NetPainter(fast.style.net, margin=margin)
    painted = painter(photos)
    wide, inside = at_least(photos, 16)
    assert painted.shape == photos.shape
    assert torch.equal(painted, painter(wide)[inside])


def test_a_net_that_needs_nothing_gets_the_picture_as_it_is() -> None:
    photo = draw(2, 3)
    assert torch.equal(NetPainter(torch.nn.Identity())(photo), photo)


@settings(max_examples=12, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20), refine=st.booleans())
def test_what_is_optimized_keeps_its_size(
    fast: FeedForwardStylizer, random_loss: PerceptualLoss, height: int, width: int, refine: bool
) -> None:
    photo = draw(height, width)
    stylizer: Any = OptimizingStylizer(random_loss, fast.device, {"iterations": 2})
    if refine:
        stylizer = RefiningStylizer(fast, random_loss, {"iterations": 2})
    seen: list[Iterate] = []
    painted = stylizer(photo, seen.append)
    assert [iterate.iteration for iterate in seen] == [0, 1, 2]
    assert {iterate.image.shape for iterate in seen} == {photo.shape} == {painted.shape}
    assert bool(torch.isfinite(painted).all())
