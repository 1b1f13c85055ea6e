"""The transformer nets. ``NETS`` names those that a checkpoint may ask for."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from fst.errors import InputError
from fst.nets.conditional import AnyNet, ManyNet
from fst.nets.johnson import JohnsonNet

NETS: dict[str, type[nn.Module]] = {"johnson": JohnsonNet, "any": AnyNet, "many": ManyNet}
"""Name in a config or checkpoint -> class. A net of your own is an entry here."""


EARLIER = {"upsampling": "nearest"}
"""What nets were like before there was a choice: their checkpoints do not say it."""


def alike(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether nets, ``{"name", "arguments"}`` each, can have each other's weights."""
    first, second = ({**EARLIER, **net["arguments"]} for net in (one, other))
    return one["name"] == other["name"] and first == second


def make_net(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A freshly initialized net.

    Raises:
        InputError: no net of that name, or it does not take these arguments.
    """
    if name not in NETS:
        raise InputError(f"no net {name!r}: there are {', '.join(NETS)}")
    try:
        return NETS[name](**arguments)
    except InputError:
        raise
    except (TypeError, ValueError) as error:
        raise InputError(f"the net {name!r} can't be made: {error}") from error
