"""Many styles in one file: shared convolutions, and a row of numbers for each style."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from fst.errors import CheckpointError, InputError
from fst.nets.conditional import ConditionalNet, ManyNet
from fst.styles.description import MANY, check_styles
from fst.styles.headers import listed
from fst.styles.objective import usual_loss
from fst.styles.style import term_weights
from fst.styles.trained import FORMAT_VERSION, TrainedStyle, load_checkpoint
from fst.system.files import atomic_file

SHARED = ("width", "residual_blocks", "upsampling", "rank")
"""Arguments of the nets that can share convolutions."""


def load_many(path: Path, device: torch.device | str = "cpu") -> TrainedStyle:
    """A many-file; read once, as long as the file does not change.

    Raises:
        CheckpointError: a damaged file, or one that holds no many styles.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint {str(path)!r}")
    return _load(path, path.stat().st_mtime_ns, str(device))


@lru_cache(maxsize=1)
def _load(path: Path, changed: int, device: str) -> TrainedStyle:
    read = load_checkpoint(path, device)
    if not isinstance(read.net, ManyNet):
        raise CheckpointError(f"{path} is no file of many styles: its net is "
                              f"{read.description['net']['name']}")  # fmt: skip
    return read


def row_of(many: TrainedStyle, name: str) -> tuple[Tensor, dict[str, Any]]:
    """The numbers of one style of a many-file, and what is said of it.

    Args:
        many: from :func:`load_many`.
        name: the style's.

    Raises:
        InputError: it has no such style.
    """
    assert isinstance(many.net, ManyNet)
    names = [about["name"] for about in many.description["styles"]]
    if name not in names:
        raise InputError(f"no style {name!r} in {many.name}: it has {listed(names)}")
    row = names.index(name)
    return many.net.embeddings[row], dict(many.description["styles"][row])


def style_of(path: Path, name: str, device: torch.device | str = "cpu") -> TrainedStyle:
    """One style of a many-file, as an ordinary trained style.

    Args:
        path: of the many-file.
        name: the style's.
        device: for the net.

    Raises:
        CheckpointError: a damaged file, or one that holds no many styles.
        InputError: it has no such style.
    """
    many = load_many(path, device)
    embedding, about = row_of(many, name)
    assert isinstance(many.net, ManyNet)
    net = many.net.net_for(embedding).eval().requires_grad_(False)
    arguments = many.description["net"]["arguments"]
    alone = {key: arguments[key] for key in ("width", "residual_blocks") if key in arguments}
    weight = about["style_weight"]
    trained_with = many.description.get("loss", {})
    loss = {**usual_loss(weight), **trained_with, "style_weight": weight}
    description = {
        "format_version": many.description["format_version"],
        "net": {"name": "johnson", "arguments": {**alone, "upsampling": net.upsampling}},
        "style": {**about, **term_weights(loss)},
        "loss": loss,
    }
    return TrainedStyle(net, description)


def shared_digest(net: ConditionalNet) -> str:
    """SHA-256 of the shared weights, as a file has them: in half precision.

    Nets of the same digest can have each other's rows of numbers.
    """
    digest = hashlib.sha256()
    for key, value in net.state_dict().items():
        if key.startswith(("base.", "low_in", "low_out")):
            digest.update(f"{key} {tuple(value.shape)}".encode())
            digest.update(value.half().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_many(
    path: Path,
    shared: TrainedStyle,
    rows: Sequence[tuple[Tensor, Mapping[str, Any]]],
    overwrite: bool = False,
) -> int:
    """Writes a many-file, whole or not at all.

    Args:
        path: ends in ``.safetensors``; its folder exists.
        shared: whose shared convolutions the rows were made for: an any-painting net or another
            many-file. What it says of its training goes along.
        rows: the numbers of each style, and what is said of it: name, image, size, style_weight.
        overwrite: replace what is there.

    Returns:
        Bytes of a row.

    Raises:
        InputError: styles of the same name, or a value that is not of its type.
        CheckpointError: a number that is not finite in half precision.
        FileExistsError: something is there, and ``overwrite`` is False.
    """
    assert isinstance(shared.net, ConditionalNet)
    arguments = shared.description["net"]["arguments"]
    known = {key: value for key, value in arguments.items() if key in SHARED}
    description = {
        **shared.description,
        "format_version": FORMAT_VERSION,
        "net": {"name": MANY, "arguments": {**known, "styles": len(rows)}},
        "style": {"name": path.stem},
        "styles": [dict(about) for _, about in rows],
    }
    check_styles(description)
    embeddings = torch.stack([row.detach().cpu() for row, _ in rows])
    tensors = {
        key: value.detach().to("cpu", torch.float16).contiguous()
        for key, value in {**shared.net.state_dict(), "embeddings": embeddings}.items()
        if not key.startswith("predictor.")
    }
    for key, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(f"not written to {path}: the weight {key} is not finite")
    with atomic_file(path, overwrite) as temporary:
        temporary.write_bytes(save(tensors, {"fst": json.dumps(description, sort_keys=True)}))
    return int(tensors["embeddings"].element_size() * embeddings.shape[1])
