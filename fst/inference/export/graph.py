"""The exported net as torch's own graph, which several converters begin with."""

from weakref import WeakKeyDictionary

import torch
from torch.export import Dim, ExportedProgram

from fst.inference.export.exported import MULTIPLE, ExportedNet

MOST = 1 << 15
"""Pixels of a side at most, where a graph has to have a limit."""

_graphs: "WeakKeyDictionary[ExportedNet, ExportedProgram]" = WeakKeyDictionary()


def graph_of(exported: ExportedNet) -> ExportedProgram:
    """The net for batches, heights and widths of any size that it takes.

    Every converter gets the same graph, and leaves it as it is: drawing one takes seconds.
    """
    if exported not in _graphs:
        _graphs[exported] = draw(exported)
    return _graphs[exported]


def draw(exported: ExportedNet) -> ExportedProgram:
    """The same, made anew."""
    step = MULTIPLE if not exported.any_size else 1
    least = -(-exported.least_side // step)
    height, width = (
        Dim(name, min=least, max=MOST) * step if step > 1 else Dim(name, min=least, max=MOST)
        for name in ("height", "width")
    )
    axes = (1, 2) if exported.uint8 else (2, 3)
    shapes = {0: Dim("count", min=1, max=MOST), axes[0]: height, axes[1]: width}
    example = exported.example(
        2, 96, 80
    )  # two, and of two sides: what is equal, torch takes for one
    with torch.no_grad():
        return torch.export.export(exported.eval(), (example,), dynamic_shapes={"photos": shapes})
