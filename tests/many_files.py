"""Tiny files of many styles, for tests, and paintings to pack."""

from pathlib import Path
from typing import Any

import torch
from support import make_photo
from tiny_any import save_any

from fst.styles.many import save_many
from fst.styles.trained import load_checkpoint


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
