"""What a net says of itself, so that nobody has to guess it from its attributes."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fst.nets.stages import Stage


@dataclass(frozen=True)
class NetNeeds:
    """Which pictures a net takes; others are painted with a mirrored rim, which is cut off.

    Attributes:
        least_side: pixels that height and width must have at least.
        multiple: of how many pixels they must be.
    """

    least_side: int = 4
    multiple: int = 4


class TransformerNet(nn.Module):
    """A net that says what it needs; one of your own says what differs from this.

    A net that is a plain ``torch.nn.Module`` paints and learns as well: as a whole, with Adam.

    Attributes:
        needs: which pictures it takes.
    """

    needs: NetNeeds = NetNeeds()

    def matrices(self) -> list[Tensor]:
        """The weights that Muon moves, in this order; here none."""
        return []

    def stages(self, dtype: torch.dtype = torch.float32) -> list[Stage] | None:
        """The net as a chain of convolutions, for passes in strips; None where it is not one.

        Args:
            dtype: of the weights.
        """
        return None


def needs_of(net: nn.Module) -> NetNeeds:
    """What ``net`` says that it needs; a plain module gets what most nets can do with."""
    return net.needs if isinstance(net, TransformerNet) else NetNeeds()


@torch.no_grad()
def has_stages(net: nn.Module) -> bool:
    """Whether ``net`` can be run in other ways than its own: strips, tiles, other backends."""
    return isinstance(net, TransformerNet) and net.stages() is not None
