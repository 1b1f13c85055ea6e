"""Tiny nets of many styles, for tests: an any-painting net, and files packed of its predictions."""

from pathlib import Path
from typing import Any

import torch
from support import make_photo

from fst.nets.conditional import AnyNet
from fst.styles.many import save_many
from fst.styles.trained import TrainedStyle, load_checkpoint, save_checkpoint

NET = {"width": 4, "residual_blocks": 1, "upsampling": "bilinear", "rank": 2}


def save_any(folder: Path, seed: int = 0) -> Path:
    """``any.safetensors``, whose predictions differ from painting to painting."""
    torch.manual_seed(seed)
    arguments = {**NET, "predictor_width": 8}
    net = AnyNet(**arguments)  # type: ignore[arg-type]
    torch.nn.init.normal_(net.predictor.last.weight, std=0.1)
    description = {"net": {"name": "any", "arguments": arguments}, "style": {"name": "any"}}
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(path := folder / "any.safetensors", TrainedStyle(net, description))
    return path


def about(name: str, **others: Any) -> dict[str, Any]:
    """What a many-file says of a style."""
    return {"name": name, "image": f"{name}.jpg", "size": 512, "style_weight": 6.0, **others}


def write_many(
    path: Path, names: tuple[str, ...] = ("kiss", "irises", "cray"), seed: int = 0
) -> Path:
    """A many-file whose rows are random numbers, on the convolutions of :func:`save_any`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shared = load_checkpoint(save_any(path.parent / "shared", seed))
    torch.manual_seed(len(names))
    rows = 0.2 * torch.randn(len(names), shared.net.embedding_size)  # type: ignore[arg-type, operator]
    named = [(row, about(name)) for row, name in zip(rows, names, strict=True)]
    save_many(path, shared, named, overwrite=True)
    return path


def write_paintings(folder: Path, *names: str) -> list[Path]:
    """Small paintings of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.jpg" for name in names]
    for seed, path in enumerate(paths):
        make_photo(80, 64, seed + 7).save(path, quality=95)
    return paths
