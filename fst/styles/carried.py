"""A style that travels: its net as bytes, so that another computer needs no file of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save

from fst.errors import CheckpointError
from fst.nets import make_net
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle


@dataclass(frozen=True)
class CarriedStyle:
    """What is left of a :class:`~fst.styles.style.Style` on the way to another process.

    Attributes:
        weights: of its net, as safetensors: in half precision where that loses nothing.
        digest: SHA-256 of these bytes; two of the same are the same net.
        about: the values of the style, by the names of its fields.
        description: of its net.
    """

    weights: bytes = field(repr=False)
    digest: str
    about: Mapping[str, Any] = field(repr=False)
    description: Mapping[str, Any] = field(repr=False)


def carried(style: Style) -> CarriedStyle:
    """A style with a net, as plain values and bytes.

    Args:
        style: one net for all photos: not one whose strokes fit each photo (``style.fitted``).

    Raises:
        CheckpointError: it has no net.
    """
    trained = style.net()
    state = {key: value.detach().cpu() for key, value in trained.net.state_dict().items()}
    lossless = all(torch.equal(value.half().float(), value.float()) for value in state.values())
    dtype = torch.float16 if lossless else torch.float32
    weights = save({key: value.to(dtype).contiguous() for key, value in state.items()})
    about = {
        "name": style.name, "asked": style.asked, "about": dict(style.about), "image": style.image,
        "shares": dict(style.shares), "searched": str(style.searched),
    }  # fmt: skip
    digest = hashlib.sha256(weights).hexdigest()
    return CarriedStyle(weights, digest, about, dict(trained.description))


def unpacked(given: CarriedStyle, device: torch.device | str = "cpu") -> Style:
    """The style again, with its net in float32, in eval mode.

    Raises:
        CheckpointError: the bytes are not those that were sent.
    """
    if hashlib.sha256(given.weights).hexdigest() != given.digest:
        raise CheckpointError(f"the weights of {given.about['asked']} were damaged on their way")
    said = given.description["net"]
    net = make_net(said["name"], said["arguments"])
    net.load_state_dict({key: value.float() for key, value in load(given.weights).items()})
    net = net.float().to(memory_format=torch.channels_last).to(device).eval().requires_grad_(False)
    about = {**given.about, "searched": Path(given.about["searched"])}
    return Style(**about, trained=TrainedStyle(net, dict(given.description)))
