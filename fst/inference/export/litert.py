"""LiteRT (once TensorFlow Lite): a file for pictures of one size, as its converter wants."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fst.inference.export.exported import ExportedNet, as_bytes
from fst.inference.export.norms import as_means, with_norm
from fst.inference.export.options import ExportOptions
from fst.inference.export.quiet import converting, quiet

SIZE = (512, 512)
"""Width and height of the pictures, where no others are asked for."""


class ChannelsLast(nn.Module):
    """``(1, H, W, 3)`` in and out, floats or bytes, as LiteRT and Android's bitmaps have them."""

    def __init__(self, exported: ExportedNet) -> None:
        super().__init__()
        self.exported = exported

    def forward(self, photos: Tensor) -> dict[str, Tensor]:
        """Photos to painted pictures of the same type."""
        if self.exported.uint8:
            return {"painted": self.exported(photos)}
        painted = self.exported(photos.permute(0, 3, 1, 2))
        return {"painted": painted.permute(0, 2, 3, 1)}


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes ``NAME.tflite``: one signature, ``photos`` to ``painted``, both ``(1, H, W, 3)``."""
    width, height = options.size or SIZE
    path = folder / f"{options.name}.tflite"
    net = ChannelsLast(with_norm(exported, as_means)).eval()
    example = exported.example(1, height, width)
    if not exported.uint8:
        example = example.permute(0, 2, 3, 1).contiguous()
    with converting("litert-torch", "0.10.0"):
        import litert_torch

        model: Any = litert_torch.convert(net, sample_kwargs={"photos": example})
        model.export(str(path))
        if options.half or options.int8:
            _smaller(path, options)
    return path


def _smaller(path: Path, options: ExportOptions) -> None:
    """Keeps the weights in half precision or in 8 bits; computed is with 32 bits, and with 8."""
    from ai_edge_quantizer import qtyping, quantizer, recipe

    work: Any = quantizer.Quantizer(str(path))
    if options.int8:
        work.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    else:
        half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
        work.update_quantization_recipe(
            ".*",
            qtyping.TFLOperationName.ALL_SUPPORTED,
            qtyping.OpQuantizationConfig(
                weight_tensor_config=half,
                compute_precision=qtyping.ComputePrecision.FLOAT,
                explicit_dequantize=True,
            ),
            "float_casting",
        )
    work.quantize().export_model(str(path), overwrite=True)


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What runs the file in LiteRT: ``(1, 3, H, W)`` in [0, 1], of its size, to the same."""
    with quiet():
        from ai_edge_litert.interpreter import Interpreter

        interpreter: Any = Interpreter(str(path), num_threads=torch.get_num_threads())
        signature = interpreter.get_signature_runner()
    bytes_ = signature.get_input_details()["photos"]["dtype"] == np.uint8

    def run(photos: Tensor) -> Tensor:
        pictures = as_bytes(photos) if bytes_ else photos.permute(0, 2, 3, 1).contiguous()
        with quiet():
            painted = torch.from_numpy(signature(photos=pictures.numpy())["painted"].copy())
        return (painted.float() / 255 if bytes_ else painted).permute(0, 3, 1, 2)

    return run
