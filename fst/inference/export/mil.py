"""Reads a Core ML package back and computes it operation by operation, where Core ML is not.

Coremltools converts on any system, but only a Mac runs what it made. This is what can be checked
elsewhere: that the file's graph and weights are those of the net.

Source:
    The operations are those of Core ML's model intermediate language (MIL), as coremltools
    documents them.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError

Given = Mapping[str, Any]
"""Name of an operation's input -> a tensor, a number, a text."""


def read(path: Path) -> tuple[Any, bool]:
    """The program of a package, and whether images go into it and leave it.

    Raises:
        InputError: input and output are not as :mod:`fst.inference.export.coreml` writes them.
    """
    import coremltools as ct
    from coremltools.converters.mil.frontend.milproto.load import load

    spec = ct.models.utils.load_spec(str(path))
    described = [*spec.description.input, *spec.description.output]
    kinds = [one.type.WhichOneof("Type") for one in described]
    if [one.name for one in described] != ["photos", "painted"] or len(set(kinds)) != 1:
        raise InputError(
            f"{path.name} was not kept: its input and output are "
            f"{', '.join(one.name for one in described)}, expected photos and painted"
        )
    weights = path / "Data" / "com.apple.CoreML" / "weights"
    program = load(spec, spec.specificationVersion, str(weights))
    return program.functions["main"], kinds[0] == "imageType"


def run(function: Any, photos: Tensor) -> Tensor:
    """What the program makes of photos, in float32 throughout.

    Raises:
        InputError: an operation that no net of ours is made of.
    """
    values: dict[str, Any] = {name: photos for name in function.inputs}
    for operation in function.operations:
        if operation.op_type == "const":
            continue
        compute = OPERATIONS.get(operation.op_type)
        if compute is None:
            raise InputError(f"the package was not kept: unknown operation {operation.op_type}")
        given = {
            name: _value(variable, values)
            for name, variable in operation.inputs.items()
            if variable is not None
        }
        values[operation.outputs[0].name] = compute(given)
    painted: Tensor = values[function.outputs[0].name]
    return painted


def _value(variable: Any, values: Mapping[str, Any]) -> Any:
    if variable.name in values:
        return values[variable.name]
    value = variable.val
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.ndim:
        return torch.from_numpy(value.astype(np.float32))
    if isinstance(value, np.ndarray) and value.ndim:
        return value.tolist()
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


def _pad(given: Given) -> Tensor:
    top, below, left, right = given["pad"][-4:]
    return F.pad(given["x"], (left, right, top, below), mode=given["mode"])


def _conv(given: Given) -> Tensor:
    if given["pad_type"] != "valid" or given.get("groups", 1) != 1:
        raise InputError("the package was not kept: a convolution that is padded or grouped")
    return F.conv2d(given["x"], given["weight"], given.get("bias"), tuple(given["strides"]))


def _instance_norm(given: Given) -> Tensor:
    x = given["x"]
    scale, shift = given.get("gamma"), given.get("beta")
    return F.instance_norm(x, None, None, scale, shift, True, 0.0, given["epsilon"])


def _slice(given: Given) -> Tensor:
    first, last = (given.get(name) or [False] * 4 for name in ("begin_mask", "end_mask"))
    begins = [None if all_ else at for at, all_ in zip(given["begin"], first, strict=True)]
    ends = [None if all_ else at for at, all_ in zip(given["end"], last, strict=True)]
    sliced: Tensor = given["x"][tuple(map(slice, begins, ends))]
    return sliced


OPERATIONS: dict[str, Callable[[Given], Any]] = {
    "add": lambda given: given["x"] + given["y"],
    "cast": lambda given: given["x"],  # to a half and back: of the weights only that is seen
    "clip": lambda given: given["x"].clamp(given["alpha"], given["beta"]),
    "conv": _conv,
    "instance_norm": _instance_norm,
    "mul": lambda given: given["x"] * given["y"],
    "pad": _pad,
    "pixel_shuffle": lambda given: F.pixel_shuffle(given["x"], given["upscale_factor"]),
    "relu": lambda given: given["x"].relu(),
    "sigmoid": lambda given: given["x"].sigmoid(),
    "slice_by_index": _slice,
    "sub": lambda given: given["x"] - given["y"],
}
"""What our nets become."""
