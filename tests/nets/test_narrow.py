"""fst.nets.narrow: a narrower net out of a wide one."""

import pytest
import torch

from fst.errors import InputError
from fst.nets.johnson import JohnsonNet
from fst.nets.layers import ConvNorm
from fst.nets.narrow import narrowed


def wide_net(upsampling: str = "bilinear") -> JohnsonNet:
    torch.manual_seed(3)
    net = JohnsonNet(6, 2, upsampling)
    with torch.no_grad():
        for norm in (layer.norm for layer in net.modules() if isinstance(layer, ConvNorm)):
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    return net


@pytest.mark.parametrize("upsampling", ["bilinear", "nearest"])
def test_all_channels_are_the_same_net(upsampling: str) -> None:
    net = wide_net(upsampling)
    same = narrowed(net, 6)
    assert same is not net
    for name, weight in same.state_dict().items():
        assert torch.equal(weight, net.state_dict()[name]), name


def silenced(net: JohnsonNet, keep: int) -> None:
    """Makes every channel but the first ``keep`` (times the layer's multiple) worth nothing."""
    with torch.no_grad():
        for name, layer in net.named_modules():
            if isinstance(layer, ConvNorm):
                kept = keep * layer.norm.weight.numel() // 6
                layer.norm.weight[kept:] = 0
                layer.norm.bias[kept:] = 0
                assert name


def test_channels_that_say_nothing_go_and_the_picture_stays() -> None:
    """Independent of how it is chosen: what is left computes what the whole net computes."""
    net = wide_net()
    silenced(net, 4)
    small = narrowed(net, 4)
    assert small.out.in_channels == 4
    assert len(small.blocks) == 2
    photo = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(small(photo), net(photo), atol=1e-5, rtol=0)


def test_the_wide_net_stays_as_it_is() -> None:
    net = wide_net()
    before = {name: weight.clone() for name, weight in net.state_dict().items()}
    small = narrowed(net, 3)
    with torch.no_grad():
        for weight in small.parameters():
            weight.add_(1)
    assert all(torch.equal(weight, before[name]) for name, weight in net.state_dict().items())
    assert all(weight.requires_grad for weight in small.parameters())


def test_a_net_does_not_become_wider() -> None:
    with pytest.raises(InputError, match="width 6 can't be narrowed to 7"):
        narrowed(wide_net(), 7)
