"""A narrower net out of a wide one: of its channels, those that matter most.

What is left paints badly at first, and learns much faster than random weights do.
"""

import torch
from torch import Tensor

from fst.errors import InputError
from fst.nets.johnson import JohnsonNet
from fst.nets.layers import ConvNorm, ResidualBlock


def narrowed(net: JohnsonNet, width: int) -> JohnsonNet:
    """The channels of a net that matter most, as a net of their own.

    A channel matters as much as what leaves its norm is large, times the weights of the
    convolutions that read it. The residual blocks read and write the same channels, so that these
    are chosen once.

    Args:
        net: stays as it is.
        width: of the new net, in channels at full resolution; at most the wide net's.

    Returns:
        A net with as many residual blocks and the same upsampling.

    Raises:
        InputError: the net is not wider than that.

    Source:
        Li et al. 2017, "Pruning Filters for Efficient ConvNets", section 3.3 on residual blocks;
        the norm's part after Liu et al. 2017, "Learning Efficient Convolutional Networks through
        Network Slimming", section 3.
    """
    wide = net.out.in_channels
    if width > wide:
        raise InputError(f"a net of width {wide} can't be narrowed to {width}")
    blocks = [block for block in net.blocks if isinstance(block, ResidualBlock)]
    small = JohnsonNet(width, len(blocks), net.upsampling)
    to = [block for block in small.blocks if isinstance(block, ResidualBlock)]
    first, second = _best([net.down1], [net.down2]), _best([net.down2], [net.down3])
    writers = [net.down3, *(block.second for block in blocks)]
    trunk = _best(writers, [*(block.first for block in blocks), net.up1])
    up1, up2 = _best([net.up1], [net.up2]), _best([net.up2], [net.out])
    first, second, trunk, up1, up2 = (
        chosen[:count].sort().values
        for chosen, count in zip(
            (first, second, trunk, up1, up2),
            (width, 2 * width, 4 * width, 2 * width, width),
            strict=True,
        )
    )
    with torch.no_grad():
        _copy(net.down1, small.down1, first, torch.arange(3))
        _copy(net.down2, small.down2, second, first)
        _copy(net.down3, small.down3, trunk, second)
        for block, smaller in zip(blocks, to, strict=True):
            inside = _best([block.first], [block.second])[: 4 * width].sort().values
            _copy(block.first, smaller.first, inside, trunk)
            _copy(block.second, smaller.second, trunk, inside)
        _copy(net.up1, small.up1, up1, trunk)
        _copy(net.up2, small.up2, up2, up1)
        assert small.out.bias is not None
        assert net.out.bias is not None
        small.out.weight.copy_(net.out.weight[:, up2])
        small.out.bias.copy_(net.out.bias)
    return small


def _best(writers: list[ConvNorm], readers: list[ConvNorm | torch.nn.Conv2d]) -> Tensor:
    """The channels between some layers, the one that matters most first."""
    sizes = [(w.norm.weight.detach() ** 2 + w.norm.bias.detach() ** 2) for w in writers]
    convolutions = [r.conv if isinstance(r, ConvNorm) else r for r in readers]
    read = [c.weight.detach().square().sum((0, 2, 3)) for c in convolutions]
    written, heard = torch.stack(sizes).sum(0), torch.stack(read).sum(0)
    return (written * heard).argsort(descending=True, stable=True)


def _copy(wide: ConvNorm, small: ConvNorm, outputs: Tensor, inputs: Tensor) -> None:
    small.conv.weight.copy_(wide.conv.weight[outputs][:, inputs])
    assert small.conv.bias is not None
    assert wide.conv.bias is not None
    small.conv.bias.copy_(wide.conv.bias[outputs])
    small.norm.weight.copy_(wide.norm.weight[outputs])
    small.norm.bias.copy_(wide.norm.bias[outputs])
