"""fst.nets.needs: what a net asks of a picture."""

import pytest
import torch
from torch import Tensor, nn

from fst.errors import InputError
from fst.nets.johnson import JohnsonNet
from fst.nets.needs import NetNeeds, TransformerNet, has_stages, needs_of


def picture(height: int, width: int, count: int = 1, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed))


def test_a_net_says_what_it_needs() -> None:
    needs = needs_of(JohnsonNet(4, 1))
    assert (needs.least_side, needs.multiple) == (16, 4)
    with pytest.raises(InputError, match="16"):
        JohnsonNet(4, 1)(picture(needs.least_side, needs.least_side - 1))
    assert JohnsonNet(4, 1)(picture(needs.least_side, 16)).shape == (1, 3, 16, 16)
    plain = nn.Conv2d(3, 3, 1)
    assert (needs_of(plain).least_side, needs_of(plain).multiple) == (4, 4)


def test_a_plain_module_gets_what_most_nets_can_do_with() -> None:
    plain = nn.Conv2d(3, 3, 1)
    assert needs_of(plain) == NetNeeds(least_side=4, multiple=4)


def test_a_net_of_ones_own_says_what_differs() -> None:
    class Mine(TransformerNet):
        needs = NetNeeds(multiple=8)

    assert needs_of(Mine()) == NetNeeds(least_side=4, multiple=8)
    assert Mine().matrices() == []
    assert Mine().stages() is None
    assert not has_stages(Mine())
    assert not has_stages(nn.Conv2d(3, 3, 1))
    assert has_stages(JohnsonNet(4, 1))
