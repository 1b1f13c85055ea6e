"""ExecuTorch: a program for phones, its convolutions given to XNNPACK."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from fst.inference.export.exported import MULTIPLE, ExportedNet, as_bytes, as_floats
from fst.inference.export.norms import as_group_norm, with_norm
from fst.inference.export.options import ExportOptions
from fst.inference.export.quiet import converting, quiet

LARGEST = (1024, 1024)
"""Width and height that a program takes at most: memory for them is set aside beforehand."""


class Ordered(nn.Module):
    """Bytes in and out whose memory is ordered anew: the runtime refuses what is only permuted."""

    def __init__(self, exported: ExportedNet) -> None:
        super().__init__()
        self.exported = exported

    def forward(self, photos: Tensor) -> Tensor:
        """``(1, H, W, 3)`` to the same."""
        x = photos.permute(0, 3, 1, 2).contiguous().float() / 255
        painted = (self.exported.painted(x) * 255).round().clamp(0, 255).to(torch.uint8)
        return painted.permute(0, 2, 3, 1).contiguous()


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes ``NAME.pte``: a method ``forward``, and one for every line of the metadata.

    What the file says of itself are methods without inputs, ``style()``, ``multiple()``: a program
    has no other place for it. Numbers are numbers, all else is text.
    """
    with converting("executorch", "1.5.1"):
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        width, height = options.size or LARGEST
        program = _graph(with_norm(exported, as_group_norm), height, width)
        said = {name: _value(text) for name, text in options.metadata.items()}
        said |= {"largest_width": width, "largest_height": height}
        lowered: Any = to_edge_transform_and_lower(
            program, partitioner=[XnnpackPartitioner()], constant_methods=said
        )
        path = folder / f"{options.name}.pte"
        path.write_bytes(lowered.to_executorch().buffer)
    return path


def _graph(exported: ExportedNet, height: int, width: int) -> ExportedProgram:
    """The net for one picture at a time, of sides up to these."""
    least = -(-exported.least_side // MULTIPLE)
    sides = {
        name: Dim(name, min=least, max=most // MULTIPLE) * MULTIPLE
        for name, most in (("height", height), ("width", width))
    }
    first = 1 if exported.uint8 else 2
    example = exported.example(1, height, width)
    shapes = {first: sides["height"], first + 1: sides["width"]}
    with torch.no_grad():
        net = Ordered(exported).eval() if exported.uint8 else exported
        return torch.export.export(net, (example,), dynamic_shapes={"photos": shapes})


def _value(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What runs the file in ExecuTorch's own runtime: ``(1, 3, H, W)`` in [0, 1] to the same."""
    data = path.read_bytes()
    with quiet():
        from executorch.runtime import Runtime

        program = Runtime.get().load_program(data)
        # methods look into the bytes and the program, and don't keep them from being freed
        kept: Any = (data, program, program.load_method("forward"))
        (dtype,) = program.load_method("dtype").execute([])

    def run(photos: Tensor) -> Tensor:
        given = as_bytes(photos) if dtype == "uint8" else photos.contiguous()
        with quiet():
            painted: Tensor = kept[2].execute([given])[0].clone()
        return as_floats(painted) if dtype == "uint8" else painted

    return run
