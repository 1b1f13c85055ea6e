"""Nets between nets: the weights of several trained styles, mixed."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

from fst.choices import MARGIN
from fst.errors import CheckpointError, InputError
from fst.nets import alike, make_net
from fst.styles.predicted import fitting_size
from fst.styles.style import SIZE, Style
from fst.styles.trained import DeferredStyle, TrainedStyle


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
        if not (name and separator and 0 <= share < float("inf")) or name in shares:
            raise InputError(f"a blend looks like monet=0.7,starry_night=0.3, not {text!r}")
        shares[name] = share
    if not any(shares.values()):
        raise InputError(f"the shares of {text!r} add up to 0: each has to be above 0")
    if not all(shares.values()):
        raise InputError(
            f"a blend looks like monet=0.7,starry_night=0.3, each share above 0, not {text!r}"
        )
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
    description = described(styles, shares)
    net = make_net(description["net"]["name"], description["net"]["arguments"])
    states = {name: style.net.state_dict() for name, style in styles.items()}
    mixed = {
        key: torch.stack([shares[name] * states[name][key] for name in styles]).sum(0)
        for key in next(iter(states.values()))
    }
    net.load_state_dict(mixed)
    (device,) = {value.device for value in mixed.values()}
    net = net.to(memory_format=torch.channels_last).to(device).eval().requires_grad_(False)
    return TrainedStyle(net, description)


def blended(text: str, found: Mapping[str, Style], shares: Mapping[str, float]) -> Style:
    """The style between some; where strokes of one fit the photo, mixed when they are known.

    Args:
        text: what it was asked for by.
        found: name -> style.
        shares: name -> weight, that add up to 1.

    Raises:
        CheckpointError: nets of different kinds or arguments, or no net.
    """
    name = "-".join(style.name for style in found.values())
    nets = {name: style.net() for name, style in found.items()}
    fitted = {name: style.fitted for name, style in found.items()}
    if all(fit is None for fit in fitted.values()):
        trained = blend(nets, shares)
        return Style(name, text, trained.description["style"], None, trained, shares)

    @cache  # for ten sizes at most
    def sized(size: int) -> TrainedStyle:
        made = {name: nets[name] if fit is None else fit(size) for name, fit in fitted.items()}
        return blend(made, shares)

    deferred = DeferredStyle(described(nets, shares), lambda: sized(SIZE).net)
    about = deferred.description["style"]

    def fit(long_side: int) -> TrainedStyle:
        return sized(fitting_size(long_side))

    return Style(name, text, about, None, deferred, shares, fitted=fit)


def described(styles: Mapping[str, TrainedStyle], shares: Mapping[str, float]) -> dict[str, Any]:
    """What :func:`blend` says of its net; makes no net that is predicted from a painting.

    Args:
        styles: as for :func:`blend`, and so are ``shares``.
        shares: name -> weight.

    Raises:
        CheckpointError: nets of different kinds or arguments.
    """
    (first, model), *others = styles.items()
    for name, style in others:
        if not alike(style.description["net"], model.description["net"]):
            raise CheckpointError(
                f"{first} and {name} can't be blended: their nets are "
                f"{_describe(model)} and {_describe(style)}"
            )
    said = {**model.description, "style": {"name": "-".join(styles)}, "blend": dict(shares)}
    if (margin := max(style.margin for style in styles.values())) != MARGIN:
        said["style"]["margin"] = margin
    said.pop("predicted", None)  # the first one's
    of_paintings = {name: style.description.get("predicted") for name, style in styles.items()}
    if any(of_paintings.values()):
        said["predicted"] = {name: about for name, about in of_paintings.items() if about}
    said["sizes"] = {
        name: style.description["style"].get("size", SIZE) for name, style in styles.items()
    }
    # of a predicted net, painting and any-painting net are told instead
    said["digests"] = {name: styles[name].digest for name, of in of_paintings.items() if not of}
    return said


def _describe(style: TrainedStyle) -> str:
    net = style.description["net"]
    return f"{net['name']} {net['arguments']}"
