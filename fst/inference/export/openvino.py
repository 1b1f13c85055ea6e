"""OpenVINO: a net and its weights as two files, for Intel's processors and more."""

import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from fst.inference.export.exported import ExportedNet, as_bytes, as_floats
from fst.inference.export.graph import graph_of
from fst.inference.export.options import ExportOptions
from fst.system.runtimes import openvino, openvino_core


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes ``NAME.xml`` and ``NAME.bin``; what it is stands in ``rt_info`` under ``fst``."""
    ov = openvino()
    from openvino.frontend.pytorch import ConversionExtension

    model = ov.convert_model(
        graph_of(exported), extension=[ConversionExtension(str(operator.mod), _remainder)]
    )
    (given,), (made,) = model.inputs, model.outputs
    side = ov.Dimension(exported.least_side, -1)  # shorter ones are refused
    shape = [-1, side, side, 3] if exported.uint8 else [-1, 3, side, side]
    model.reshape({given: ov.PartialShape(shape)})
    given.get_tensor().set_names({"photos"})
    made.get_tensor().set_names({"painted"})
    for name, value in options.metadata.items():
        model.set_rt_info(value, ["fst", name])
    path = folder / f"{options.name}.xml"
    ov.save_model(model, path, compress_to_fp16=options.half)
    return path


def _remainder(node: Any) -> Any:
    """Of whole numbers that are shapes: an operation that OpenVINO's reader of graphs lacks."""
    from openvino import opset14

    number, by = node.get_input(0), node.get_input(1)
    return opset14.floor_mod(number, opset14.convert_like(by, number)).outputs()


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What runs the files in OpenVINO on a CPU: ``(N, 3, H, W)`` in [0, 1] to the same."""
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino_core().compile_model(path, "CPU", settings)
    bytes_ = compiled.inputs[0].get_element_type() == openvino().Type.u8

    def run(photos: Tensor) -> Tensor:
        pictures = as_bytes(photos) if bytes_ else photos.contiguous()
        painted = torch.from_numpy(compiled(pictures.numpy())[0].copy())
        return as_floats(painted) if bytes_ else painted

    return run
