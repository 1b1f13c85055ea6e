"""``freeze=true``: the convolutions of a net stay as they are, and a style's own numbers learn."""

from collections.abc import Sequence

from torch import Tensor, nn

from fst.errors import InputError
from fst.nets.conditional import AnyNet, ManyNet
from fst.nets.johnson import JohnsonNet
from fst.nets.norm import InstanceNorm2d


def freeze(net: nn.Module) -> None:
    """Takes the gradient from all weights of a net but those that make its styles.

    These are the rows of a net of many styles, the predictor of an any-painting net, and of a net
    of one style what such a row would change: the norms' scales and offsets and the last bias.

    Raises:
        InputError: a net of which that is not known.
    """
    learn: Sequence[Tensor | None]
    if isinstance(net, ManyNet):
        learn = [net.embeddings]
    elif isinstance(net, AnyNet):
        learn = list(net.predictor.parameters())
    elif isinstance(net, JohnsonNet):
        norms = [module for module in net.modules() if isinstance(module, InstanceNorm2d)]
        learn = [weight for norm in norms for weight in norm.parameters()] + [net.out.bias]
    else:
        raise InputError("freeze=true is for the nets johnson, any and many")
    net.requires_grad_(False)
    for weight in learn:
        if weight is not None:
            weight.requires_grad_(True)
