"""pt2: torch's own graph, for programs with torch and without fst."""

import json
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from fst.inference.export.exported import ExportedNet, as_bytes, as_floats
from fst.inference.export.graph import graph_of
from fst.inference.export.options import ExportOptions

METADATA = "metadata.json"
"""The extra file inside of a pt2 that says what it is."""


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes ``NAME.pt2``, for ``torch.export.load``."""
    path = folder / f"{options.name}.pt2"
    said = json.dumps(dict(options.metadata), indent=1)
    torch.export.save(graph_of(exported), path, extra_files={METADATA: said})
    return path


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What runs the file in torch: ``(N, 3, H, W)`` in [0, 1] to the same."""
    said = {METADATA: ""}
    module = torch.export.load(path, extra_files=said).module()
    bytes_ = json.loads(said[METADATA])["dtype"] == "uint8"

    def run(photos: Tensor) -> Tensor:
        painted: Tensor = module(as_bytes(photos) if bytes_ else photos)
        return as_floats(painted) if bytes_ else painted

    return run
