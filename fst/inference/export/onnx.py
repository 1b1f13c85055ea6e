"""ONNX: one file for ONNX Runtime and everything else that reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.inference.export.exported import ExportedNet, as_bytes, as_floats
from fst.inference.export.graph import graph_of
from fst.inference.export.options import ExportOptions

OPSET = 18
"""Of ONNX: old enough for most runtimes, new enough for what the net uses."""


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes ``NAME.onnx``, with inputs ``photos`` and outputs ``painted``."""
    import onnx

    program: Any = torch.onnx.export(
        graph_of(exported),
        dynamo=True,
        opset_version=OPSET,
        input_names=["photos"],
        output_names=["painted"],
        verbose=False,
    )
    model = program.model_proto
    onnx.helper.set_model_props(model, dict(options.metadata))
    path = folder / f"{options.name}.onnx"
    onnx.save(model, path)
    return path


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What runs the file in ONNX Runtime: ``(N, 3, H, W)`` in [0, 1] to the same."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    bytes_ = given.type == "tensor(uint8)"

    def run(photos: Tensor) -> Tensor:
        pictures = as_bytes(photos) if bytes_ else photos.contiguous()
        painted = torch.from_numpy(session.run(None, {given.name: pictures.numpy()})[0])
        return as_floats(painted) if bytes_ else painted

    return run
