"""Core ML: a package for Apple's devices, which is converted everywhere and runs on these only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from fst.inference.export import mil
from fst.inference.export.exported import MULTIPLE, ExportedNet
from fst.inference.export.norms import with_norm
from fst.inference.export.options import ExportOptions
from fst.inference.export.quiet import converting, quiet

LARGEST, USUAL = 4096, 512
"""Pixels of a side at most, and what Core ML shows as the input's size."""

SPOKEN = {"author": "painter", "license": "license", "version": "made_by"}
"""What Xcode shows of a model <- the metadata's name of it."""


class Images(nn.Module):
    """``(1, 3, H, W)`` to what Core ML makes pictures of: values in [0, 255] where images leave."""

    def __init__(self, exported: ExportedNet) -> None:
        super().__init__()
        self.exported, self.scale = exported, 255.0 if exported.uint8 else 1.0

    def forward(self, photos: Tensor) -> Tensor:
        """Photos in [0, 1] to painted pictures, in [0, 1] or in [0, 255]."""
        painted = self.exported.painted(photos)
        return painted if self.scale == 1 else painted * self.scale


def write(exported: ExportedNet, folder: Path, options: ExportOptions) -> Path:
    """Writes ``NAME.mlpackage``, ``photos`` to ``painted``, for heights and widths in a range.

    Arrays ``(1, 3, H, W)`` in [0, 1], or with bytes images, which an app has as ``CVPixelBuffer``.
    """
    with converting("coremltools", "9.0"):
        import coremltools as ct

        net = Images(with_norm(exported)).eval()
        with torch.no_grad():
            trace: Any = torch.jit.trace
            traced = trace(net, torch.full((1, 3, 96, 128), 0.5), check_trace=False)
        least = -(-exported.least_side // MULTIPLE) * MULTIPLE
        sides = [ct.RangeDim(least, LARGEST, USUAL) for _ in "hw"]
        shape = ct.Shape((1, 3, *sides))
        if exported.uint8:
            rgb = ct.colorlayout.RGB
            given: Any = ct.ImageType("photos", shape, scale=1 / 255, color_layout=rgb)
            made: Any = ct.ImageType("painted", color_layout=rgb)
        else:
            given, made = ct.TensorType("photos", shape), ct.TensorType("painted")
        precision = ct.precision.FLOAT16 if options.half else ct.precision.FLOAT32
        model = ct.convert(
            traced,
            inputs=[given],
            outputs=[made],
            convert_to="mlprogram",
            compute_precision=precision,
            minimum_deployment_target=ct.target.iOS16,
            skip_model_load=True,
        )
        _describe(model, options)
        path = folder / f"{options.name}.mlpackage"
        model.save(str(path))
    return path


def _describe(model: Any, options: ExportOptions) -> None:
    said = options.metadata
    for field, name in SPOKEN.items():
        if name in said:
            setattr(model, field, said[name])
    model.short_description = f"Paints photos in the style {said.get('style', options.name)}"
    model.input_description["photos"] = f"A photo, RGB; sides are multiples of {MULTIPLE}"
    model.output_description["painted"] = "The painted picture, of the same size"
    model.user_defined_metadata.update(said)


def runner(path: Path) -> Callable[[Tensor], Tensor]:
    """What computes the package as it was written, here with torch: Core ML itself is on Macs only.

    So what is proved is that the file holds this net, not that Core ML computes it alike.
    """
    with quiet():
        program, bytes_ = mil.read(path)

    def run(photos: Tensor) -> Tensor:
        if not bytes_:
            return mil.run(program, photos)
        return mil.run(program, (photos * 255).round()).round().clamp(0, 255) / 255

    return run
