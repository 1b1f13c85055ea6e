"""ONNX: one file for ONNX Runtime and everything else that reads it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.inference.export.exported import ExportedNet, as_bytes, as_floats
from fst.inference.export.graph import graph_of
from fst.inference.export.int8 import quantize
from fst.inference.export.options import ExportOptions
from fst.inference.export.pictures import photos_to_calibrate
from fst.version import __version__

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
    model = plain(program.model_proto, exported)
    path = folder / f"{options.name}.onnx"
    if options.int8:
        whole = folder / "float32.onnx"
        onnx.save(model, whole)
        photos = photos_to_calibrate(options.calibrate)
        quantize(whole, path, map(as_bytes, photos) if exported.uint8 else photos)
        whole.unlink()
        model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(options.metadata))
    model.producer_name, model.producer_version = "fst", __version__
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def plain(model: Any, exported: ExportedNet) -> Any:
    """A model with names of its sides, and without what the exporter says of each operation."""
    axes = ("count", "height", "width", "") if exported.uint8 else ("count", "", "height", "width")
    graph = model.graph
    for value in (*graph.input, *graph.output):
        for axis, name in zip(value.type.tensor_type.shape.dim, axes, strict=True):
            if name:
                axis.dim_param = name
    del graph.value_info[:]  # the sides of what is in between, by the exporter's names
    for part in (graph, *graph.input, *graph.output, *graph.node, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ""
    return model


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
