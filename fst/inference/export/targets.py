"""What a style can be exported to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fst.inference.export import coreml, executorch, litert, onnx, openvino, pt2, web
from fst.inference.export.exported import ExportedNet
from fst.inference.export.options import ExportOptions

Write = Callable[[ExportedNet, Path, ExportOptions], Path]
"""Writes files into a folder that is empty and goes away: what is equal is moved from there. Gives
the path of what the runner takes."""

Runner = Callable[[Path], Callable[[Tensor], Tensor] | None]
"""What runs a written file in its own runtime, ``(N, 3, H, W)`` in [0, 1] to the same; None where
it can't be run here. A file of bytes is given them by what is returned."""


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Attributes:
        write: see :data:`Write`.
        runner: see :data:`Runner`.
        suffixes: what follows the style's name in what is written, ``(".xml", ".bin")``; folders
            are named in the same way, and moved as a whole. What readers open comes last.
        extra: of fst, that brings the packages (:data:`fst.system.packages.EXTRAS`); empty where
            none are needed.
        modules: that have to be there to write and run it.
        knows: of ``"uint8"``, ``"half"``, ``"int8"`` and ``"calibrate"``, those that it gains by.
        any_size: sides may be of any length; else they have to be multiples of 4.
        batches: several pictures can be painted at a time.
        size: None where one file takes pictures of every size; else the width and height that it
            is made for, where no other is asked for.
        fixed: pictures have to be of just that size; else it is the largest.
        runs_here: whether the file can be run here, and so be proved equal.
    """

    write: Write
    runner: Runner
    suffixes: tuple[str, ...]
    extra: str
    modules: tuple[str, ...]
    knows: tuple[str, ...] = ("uint8", "half")
    any_size: bool = True
    batches: bool = True
    size: tuple[int, int] | None = None
    fixed: bool = False
    runs_here: bool = True


TARGETS = {
    "onnx": Target(
        onnx.write,
        onnx.runner,
        (".onnx",),
        "onnxruntime",
        ("onnx", "onnxscript", "onnxruntime"),
        ("uint8", "half", "int8", "calibrate"),
    ),
    "pt2": Target(pt2.write, pt2.runner, (".pt2",), "", ()),
    "openvino": Target(
        openvino.write, openvino.runner, (".bin", ".xml"), "openvino", ("openvino",)
    ),
    "web": Target(
        web.write,
        web.runner,
        ("_web",),
        "onnxruntime",
        ("onnx", "onnxscript", "onnxruntime"),
        ("half",),
    ),
    "litert": Target(
        litert.write,
        litert.runner,
        (".tflite",),
        "litert",
        ("litert_torch", "ai_edge_litert", "ai_edge_quantizer"),
        ("uint8", "half", "int8"),
        any_size=False,
        batches=False,
        size=litert.SIZE,
        fixed=True,
    ),
    "coreml": Target(
        coreml.write,
        coreml.runner,
        (".mlpackage",),
        "coreml",
        ("coremltools",),
        any_size=False,
        batches=False,
        runs_here=False,
    ),
    "executorch": Target(
        executorch.write,
        executorch.runner,
        (".pte",),
        "executorch",
        ("torchao", "executorch.exir", "executorch.runtime"),
        ("uint8",),
        any_size=False,
        batches=False,
        size=executorch.LARGEST,
    ),
}
"""Name, one of :data:`fst.choices.EXPORT_TARGETS` -> what it is."""
