"""A trained style on disk: safetensors with a JSON description of itself in the header.

The net is rebuilt through :data:`fst.nets.NETS` from its name and arguments, never through a class
path read from the file, and no pickle is ever loaded.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from fst.errors import CheckpointError
from fst.nets import NETS, make_net
from fst.system.files import atomic_file

FORMAT_VERSION = 1


@dataclass(frozen=True)
class TrainedStyle:
    """A net that paints in one style, and what is known of how it came about.

    ``description`` holds ``format_version``, ``net`` (name and arguments), ``style``, ``loss``,
    ``data``, ``training`` (steps, seed, ...), ``objective`` and ``versions``.
    """

    net: nn.Module
    description: dict[str, Any]

    @property
    def name(self) -> str:
        """The style's name."""
        return str(self.description["style"]["name"])

    @property
    def digest(self) -> str:
        """SHA-256 of the weights in float32; two styles of the same digest paint the same."""
        digest = hashlib.sha256()
        for value in self.net.state_dict().values():
            digest.update(value.float().cpu().numpy().tobytes())
        return digest.hexdigest()


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
        save_file(tensors, temporary, metadata={"fst": json.dumps(description, sort_keys=True)})


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> TrainedStyle:
    """Reads a trained style; the net comes in float32, in eval mode, on ``device``.

    Raises:
        CheckpointError: no such file, no safetensors file, or not one of ours.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {str(path)!r}")
    if path.suffix != ".safetensors":
        raise CheckpointError(
            f"{path} is refused: only .safetensors files are loaded, a pickle (.pth, .pt, .ckpt) "
            "can run any code"
        )
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            state = {key: file.get_tensor(key).float() for key in file.keys()}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error
    description = _read_description(path, metadata)
    try:
        net = make_net(description["net"]["name"], description["net"]["arguments"])
        net.load_state_dict(state)
    except (RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: its weights are not those of its net: {reason}") from error
    net = net.to(memory_format=torch.channels_last).to(device).eval().requires_grad_(False)
    return TrainedStyle(net, description)


def _read_description(path: Path, metadata: dict[str, str]) -> dict[str, Any]:
    try:
        description: dict[str, Any] = json.loads(metadata["fst"])
        version, net = description["format_version"], description["net"]["name"]
        description["net"]["arguments"], description["style"]["name"]
        if not (isinstance(version, int) and isinstance(net, str)):
            raise TypeError("the description's values have the wrong types")
    except (KeyError, TypeError, json.JSONDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path} is a safetensors file, but not a trained style") from error
    if version > FORMAT_VERSION:
        raise CheckpointError(f"{path} has format {version}, this fst reads up to {FORMAT_VERSION}")
    if net not in NETS:
        raise CheckpointError(f"{path} has the net {net!r}: there are {', '.join(NETS)}")
    return description
