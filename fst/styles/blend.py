"""Nets between nets: the weights of several trained styles, mixed."""

from collections.abc import Mapping

import torch

from fst.errors import CheckpointError, InputError
from fst.nets import alike, make_net
from fst.styles.trained import TrainedStyle


def parse_blend(text: str) -> dict[str, float]:
    """``"monet=0.7,starry_night=0.3"`` as a mapping.

    Raises:
        InputError: not of this form, fewer than two styles, or a share that is not above 0.
    """
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, separator, value = (piece.strip() for piece in part.rpartition("="))
        try:
            share = float(value)
        except ValueError:
            share = float("nan")
        if not (name and separator and 0 < share < float("inf")) or name in shares:
            raise InputError(f"a blend looks like monet=0.7,starry_night=0.3, not {text!r}")
        shares[name] = share
    if len(shares) < 2:
        raise InputError(f"a blend takes at least two styles, not {text!r}")
    return shares


def blend(styles: Mapping[str, TrainedStyle], shares: Mapping[str, float]) -> TrainedStyle:
    """A style whose weights are the weighted mean of others'.

    Between nets that were trained one from the other this is a style between theirs; between nets
    that were trained independently the mean is a net that nobody trained. A net that is predicted
    is linear in the numbers that make it (:mod:`fst.nets.conditional`): the mean of two such nets
    is the net of the mean of their numbers.

    Args:
        styles: name -> style, all with a net of the same kind and arguments, on the same device.
        shares: name -> weight, that add up to 1.

    Raises:
        CheckpointError: nets of different kinds or arguments.

    Source:
        Wang et al. 2019, "Deep Network Interpolation for Continuous Imagery Effect Transition".
    """
    (first, model), *others = styles.items()
    for name, style in others:
        if not alike(style.description["net"], model.description["net"]):
            raise CheckpointError(
                f"{first} and {name} can't be blended: their nets are "
                f"{_describe(model)} and {_describe(style)}"
            )
    net = make_net(model.description["net"]["name"], model.description["net"]["arguments"])
    states = {name: style.net.state_dict() for name, style in styles.items()}
    mixed = {
        key: torch.stack([shares[name] * states[name][key] for name in styles]).sum(0)
        for key in states[first]
    }
    net.load_state_dict(mixed)
    (device,) = {value.device for value in mixed.values()}
    net = net.to(memory_format=torch.channels_last).to(device).eval().requires_grad_(False)
    name = "-".join(styles)
    digests = {name: style.digest for name, style in styles.items()}
    described = {**model.description, "style": {"name": name}, "blend": dict(shares)}
    described["digests"] = digests
    described.pop("predicted", None)  # the first one's
    of_paintings = {name: style.description.get("predicted") for name, style in styles.items()}
    if any(of_paintings.values()):
        described["predicted"] = {name: said for name, said in of_paintings.items() if said}
    return TrainedStyle(net, described)


def _describe(style: TrainedStyle) -> str:
    net = style.description["net"]
    return f"{net['name']} {net['arguments']}"
