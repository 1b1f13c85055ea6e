"""fst.inference.strips.plans: the memory that each way of painting takes."""

import pytest
import torch
from support import shaken_net
from torch import Tensor

from fst.inference.strips import plans, run
from fst.inference.strips.stores import Store
from fst.nets.johnson import JohnsonNet

NUMBERS = {"down1": 0, "down2": 1, "up1": 7, "up2": 8}
"""Stages of a net with two residual blocks."""


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["nearest", "bilinear"])
def net(request: pytest.FixtureRequest) -> JohnsonNet:
    """With norms that scale and shift, as trained ones do."""
    return shaken_net(request.param)


def test_plans_take_less_and_less_memory(net: JohnsonNet) -> None:
    stages = JohnsonNet().stages(torch.bfloat16)
    for side in (1024, 8192):
        needs = [plans.memory(stages, side, side, torch.bfloat16, p) for p in plans.plans(stages)]
        assert side < 8192 or needs[0] > needs[1] > needs[2] > needs[3]
        assert min(needs) == needs[-1]
    widths = [NUMBERS["down1"], NUMBERS["up2"]]
    assert plans.plans(net.stages())[1].anew == frozenset(widths)
    assert plans.plans(net.stages())[2].anew == frozenset(NUMBERS.values())


def test_what_is_promised_is_at_least_what_is_stored(
    net: JohnsonNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts the bytes of all stores that are alive at once."""
    alive = most = 0
    allocate = Store.allocate

    def counting(self: Store, shape: tuple[int, int, int], device: torch.device) -> None:
        nonlocal alive, most
        allocate(self, shape, device)
        self.size = self.rows.nbytes  # type: ignore[attr-defined]
        alive += self.rows.nbytes
        most = max(most, alive)

    def freed(self: Store) -> None:
        nonlocal alive
        alive -= self.size  # type: ignore[attr-defined]

    monkeypatch.setattr(Store, "allocate", counting)
    monkeypatch.setattr(Store, "__del__", freed, raising=False)
    stages = net.stages()
    for plan in plans.plans(stages)[:3]:
        most = 0
        run.run(stages, draw(1, 3, 64, 80), plan=plan)
        assert alive == 0
        assert 0 < most < plans.memory(stages, 64, 80, torch.float32, plan)
