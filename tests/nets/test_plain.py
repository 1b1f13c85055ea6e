"""fst.nets.plain: the same net in operations that every graph compiler knows."""

import pytest
import torch
from support import shaken_net
from torch import Tensor

from fst.nets.johnson import JohnsonNet
from fst.nets.plain import PlainNet


def draw(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("upsampling", ["nearest", "bilinear"])
@pytest.mark.parametrize("blocks", [0, 2])
def test_plain_operations_are_the_net(blocks: int, upsampling: str) -> None:
    torch.manual_seed(1)
    net = JohnsonNet(4, blocks, upsampling).double().requires_grad_(False)
    photos = draw(2, 3, 24, 36).double()
    plain = PlainNet(net.stages(torch.float64))
    torch.testing.assert_close(plain(photos), net(photos), rtol=1e-9, atol=1e-9)


def test_in_half_precision_it_takes_half_the_room_and_computes_in_float32() -> None:
    net = shaken_net("bilinear")
    photos = draw(1, 3, 24, 36)
    half = PlainNet(net.stages()).half()
    assert {value.dtype for value in half.state_dict().values()} == {torch.float16}
    # a net of the same weights, rounded, in float32
    rounded = shaken_net("bilinear")
    plain = PlainNet(rounded.stages())
    for value in plain.buffers():
        value.copy_(value.half().float())
    assert half(photos).dtype == torch.float32
    torch.testing.assert_close(half(photos), plain(photos), rtol=0, atol=1e-6)
