"""A net run strip by strip is the net, whatever is kept, stored or computed again."""

from itertools import pairwise

import pytest
import torch
from support import shaken_net
from torch import Tensor

from fst.inference.strips import run
from fst.inference.strips.plans import Plan
from fst.nets.johnson import JohnsonNet

NUMBERS = {"down1": 0, "down2": 1, "up1": 7, "up2": 8}
"""Stages of a net with two residual blocks."""

PLANS = [
    Plan(),
    Plan(strip_bytes=1),
    Plan(strip_bytes=3000),
    Plan(frozenset({NUMBERS["down1"], NUMBERS["up2"]}), strip_bytes=2000),
    Plan(frozenset(NUMBERS.values()), strip_bytes=1000),
    Plan(disk=True, strip_bytes=2000),
    Plan(frozenset(NUMBERS.values()), True, 1),
]


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["nearest", "bilinear"])
def net(request: pytest.FixtureRequest) -> JohnsonNet:
    """With norms that scale and shift, as trained ones do."""
    return shaken_net(request.param)


def painted(net: JohnsonNet, photo: Tensor, plan: Plan, circular: bool = False) -> Tensor:
    return torch.sigmoid(run.run(net.stages(), photo, plan=plan, circular=circular))


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("size", [(16, 16), (20, 48), (64, 24)])
def test_strips_are_the_whole_picture(net: JohnsonNet, plan: Plan, size: tuple[int, int]) -> None:
    photo = draw(1, 3, *size)
    expected = net.double()(photo.double()).float()
    assert (painted(net.float(), photo, plan) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("blocks", [0, 1, 3])
def test_any_number_of_blocks(blocks: int) -> None:
    torch.manual_seed(0)
    net = JohnsonNet(width=3, residual_blocks=blocks).requires_grad_(False)
    photo = draw(1, 3, 24, 32)
    torch.testing.assert_close(painted(net, photo, PLANS[2]), net(photo), rtol=0, atol=1e-5)


@pytest.mark.parametrize("plan", PLANS)
def test_circular_padding_knows_no_border(net: JohnsonNet, plan: Plan) -> None:
    """Rolling the photo rolls the painted picture: there is no place where it begins."""
    photo = draw(1, 3, 32, 48)
    whole = painted(net, photo, plan, circular=True)
    rolled = painted(net, photo.roll((8, 20), (2, 3)), plan, circular=True)
    torch.testing.assert_close(rolled, whole.roll((8, 20), (2, 3)), rtol=0, atol=2e-5)
    tiled = painted(net, photo.repeat(1, 1, 2, 2), plan, circular=True)
    torch.testing.assert_close(tiled, whole.repeat(1, 1, 2, 2), rtol=0, atol=2e-5)


def test_the_photo_is_left_as_it_was(net: JohnsonNet) -> None:
    photo = draw(1, 3, 16, 16)
    before = photo.clone()
    painted(net, photo, Plan(strip_bytes=1))
    assert torch.equal(photo, before)


def test_bf16_is_close(net: JohnsonNet) -> None:
    photo = draw(1, 3, 32, 32)
    rounded = run.run(net.stages(torch.bfloat16), photo, torch.bfloat16)
    assert rounded.dtype == torch.float32
    assert 0 < (torch.sigmoid(rounded) - net(photo)).abs().mean() < 0.02


@pytest.mark.parametrize("height", [16, 18, 20, 100, 1002])
@pytest.mark.parametrize("rows", [0, 1, 7, 64, 5000])
def test_strips_are_even_and_cover_the_picture(height: int, rows: int) -> None:
    found = list(run._strips(height, rows))
    assert found[0][0] == 0
    assert found[-1][1] == height
    assert all(before[1] == after[0] for before, after in pairwise(found))
    assert all(first % 2 == 0 and last > first for first, last in found)
