"""A trained style on disk: safetensors with a JSON description of itself in the header.

The net is rebuilt through :data:`fst.nets.NETS` from its name and arguments, never through a class
path read from the file, and no style is ever read from a pickle. What a file says is not believed:
its style's name has to be able to name a file, its net's size has to be that of its tensors before
there is any memory for it, and what it tells of its training has to be of the types that are used.
"""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from fst.errors import CheckpointError, InputError
from fst.nets import NETS, make_net
from fst.styles.description import check_sections, check_styles, margin_of
from fst.styles.names import check_name
from fst.system.checks import number, shown, switch, text, whole_number
from fst.system.files import atomic_file, utf8_path

FORMAT_VERSION = 1

LARGEST = 4096
"""Of the whole numbers among a net's arguments, which are channels and counts of layers."""


@dataclass(frozen=True)
class TrainedStyle:
    """A net that paints in one style, and what is known of how it came about.

    ``description`` holds ``format_version``, ``net`` (name and arguments), ``style``, ``loss``,
    ``data``, ``recipe`` (optimizer, learning rate, seed, ...), ``training`` (steps, device, ...),
    ``objective`` and ``versions``. Earlier checkpoints have the recipe among ``training``; those
    that were not trained on a painting have no ``loss``.
    """

    net: nn.Module
    description: dict[str, Any]

    @property
    def name(self) -> str:
        """The style's name."""
        return str(self.description["style"]["name"])

    @property
    def margin(self) -> int:
        """As :func:`~fst.styles.description.margin_of`."""
        return margin_of(self.description)

    @property
    def digest(self) -> str:
        """SHA-256 of the weights in float32; two styles of the same digest paint the same."""
        digest = hashlib.sha256()
        for value in self.net.state_dict().values():
            digest.update(value.float().cpu().numpy().tobytes())
        return digest.hexdigest()


class DeferredStyle(TrainedStyle):
    """A style whose net is made when it is first asked for."""

    def __init__(self, description: dict[str, Any], make: Callable[[], nn.Module]) -> None:
        object.__setattr__(self, "description", description)  # frozen for everybody else
        object.__setattr__(self, "make", make)

    @cached_property
    def net(self) -> nn.Module:
        """Made now, where it was not."""
        made: nn.Module = self.make()  # type: ignore[attr-defined]
        return made


def save_checkpoint(path: Path, style: TrainedStyle, dtype: torch.dtype = torch.float16) -> None:
    """Writes a trained style, whole or not at all.

    Args:
        path: ends in ``.safetensors``; its folder exists.
        style: the net and its description.
        dtype: of the stored weights; half precision changes a pixel by at most 1 of 255.

    Raises:
        CheckpointError: a weight that is not finite (in ``dtype``).
    """
    tensors = {}
    for key, value in style.net.state_dict().items():
        tensors[key] = value.detach().to("cpu", dtype).contiguous()
        if not bool(torch.isfinite(tensors[key]).all()):
            raise CheckpointError(f"not written to {path}: the weight {key} is not finite")
    description = {"format_version": FORMAT_VERSION, **style.description}
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(tensors, {"fst": json.dumps(description, sort_keys=True)}))


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> TrainedStyle:
    """Reads a trained style; the net comes in float32, in eval mode, on ``device``.

    Raises:
        CheckpointError: no such file, no safetensors file, or not one of ours; weights that are not
            those of its net, or not finite.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {str(path)!r}")
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"{path} is refused: only .safetensors files are loaded, a pickle (.pth, .pt, .ckpt) "
            "can run any code"
        )
    try:
        with utf8_path(path) as same, safe_open(same, framework="pt", device="cpu") as file:
            description = _read_description(path, file.metadata() or {})
            shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
            _check_net(path, description["net"], shapes)
            state = {key: file.get_tensor(key).float() for key in shapes}
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} is not a readable safetensors file: {reason}") from error
    for key, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"{path}: the weight {key} is not finite")
    net = make_net(description["net"]["name"], description["net"]["arguments"])
    net.load_state_dict(state)
    net = net.float().to(memory_format=torch.channels_last).to(device)
    net.eval().requires_grad_(False)
    return TrainedStyle(net, description)


def _check_net(path: Path, net: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """That the file's tensors are those of its net, before there is memory for either.

    Raises:
        CheckpointError: they aren't, or the net's arguments make no sense.
    """
    sides = [side for shape in shapes.values() for side in shape]
    try:
        _check_arguments(net, min(LARGEST, max([len(shapes), *sides])))
        with torch.device("meta"):
            expected = make_net(net["name"], net["arguments"]).state_dict()
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: its net can't be made: {reason}") from error
    for key in dict.fromkeys([*expected, *shapes]):
        needed = tuple(expected[key].shape) if key in expected else None
        if shapes.get(key) != needed:
            raise CheckpointError(
                f"{path}: its weights are not those of its net: {key} has the shape "
                f"{shapes.get(key, 'none')}, expected {needed or 'none'}"
            )


def _check_arguments(net: Mapping[str, Any], most: int) -> None:
    """That a net's arguments are of the types that it names, and no whole number is absurd.

    Args:
        net: name and arguments.
        most: the largest whole number: more than the file's tensors have on a side, and more layers
            than it has tensors, is no net of theirs.

    Raises:
        InputError: they aren't.
    """
    if not isinstance(net["arguments"], dict):
        raise InputError(f"its arguments must be names and values, not {shown(net['arguments'])}")
    checks: dict[str, Callable[[str, Any], Any]] = {"float": number, "bool": switch, "str": text}
    types = inspect.get_annotations(NETS[net["name"]].__init__)
    for name, value in net["arguments"].items():
        kind = getattr(types.get(name), "__name__", types.get(name))
        if kind in checks:
            checks[kind](name, value)
        elif kind == "int" or type(value) is int:
            whole_number(name, value, 0, most)


def _read_description(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads(metadata["fst"])
        version, net = description["format_version"], description["net"]["name"]
        description["net"]["arguments"], description["style"]["name"]
        if not (isinstance(version, int) and isinstance(net, str)):
            raise TypeError("the description's values have the wrong types")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is a safetensors file, but not a trained style") from error
    if type(name := description["style"]["name"]) is int:  # of a time when 2024 was a number
        description["style"]["name"] = name = str(name)
    try:
        check_name(name)
        check_sections(description)
        check_styles(description)
    except InputError as error:
        raise CheckpointError(f"{path} is refused: {error}") from error
    if version > FORMAT_VERSION:
        raise CheckpointError(f"{path} has format {version}, this fst reads up to {FORMAT_VERSION}")
    if net not in NETS:
        raise CheckpointError(f"{path} has the net {shown(net)}: there are {', '.join(NETS)}")
    return description
