"""A net's residual blocks in whole numbers of 8 bits, for ONNX Runtime.

The blocks are two thirds of the weights and half of the arithmetic. What is before and behind them
stays as it is: with the first and last convolutions in 8 bits calm areas came out wrong by 2 to 5
of 255 in the mean, and without them by less than 1 (docs/export.md).
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from fst.errors import InputError


def quantize(source: Path, target: Path, photos: Iterable[Tensor]) -> None:
    """Writes an ONNX file with its residual blocks in int8.

    Args:
        source: of the file in float32.
        target: of the new file.
        photos: as the file takes them; the ranges of the blocks' inputs are read off them.

    Raises:
        InputError: the net has no residual blocks.
    """
    import onnx
    from onnxruntime import quantization

    blocks = _blocks(onnx.load(source))
    if not blocks:
        raise InputError("int8 (--int8) is for residual blocks, and this net has none")

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.photos = iter(photos)

        def get_next(self) -> dict[str, Any] | None:
            photo = next(self.photos, None)
            return None if photo is None else {"photos": photo.numpy()}

    with _quiet():
        quantization.quantize_static(
            source, target, Reader(), quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=["Conv"], nodes_to_quantize=blocks, per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )  # fmt: skip


def _blocks(model: Any) -> list[str]:
    """The names of the convolutions from as many channels to as many."""
    shapes = {weight.name: tuple(weight.dims) for weight in model.graph.initializer}
    convolutions = (node for node in model.graph.node if node.op_type == "Conv")
    of_weight = ((node.name, shapes[node.input[1]]) for node in convolutions)
    return [name for name, shape in of_weight if shape[0] == shape[1]]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice, on the root logger, to optimize the graph first: the runtime does."""
    root = logging.getLogger()
    root.addFilter(_no_advice)
    try:
        yield
    finally:
        root.removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    return "pre-processing" not in record.getMessage()
