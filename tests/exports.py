"""A tiny style to export, for the tests of several files."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from support import shaken_net
from torch import nn
from torch.export import ExportedProgram

from fst.inference.export import graph, sizes
from fst.inference.export.exported import ExportedNet
from fst.inference.export.graph import draw
from fst.inference.export.options import ExportOptions
from fst.inference.export.writing import export
from fst.inference.painter import NetPainter
from fst.nets.johnson import JohnsonNet
from fst.styles.style import Style
from fst.styles.trained import TrainedStyle

ABOUT = {"name": "tiny", "title": "A Painting", "painter": "Somebody", "rights": "public domain"}


def tiny_style(upsampling: str = "bilinear") -> Style:
    """A net of four channels that paints whatever it does."""
    net = shaken_net(upsampling).to(memory_format=torch.channels_last)
    about = {"format_version": 1, "net": {"name": "johnson", "arguments": {}}, "style": ABOUT}
    return Style("tiny", "tiny", ABOUT, None, TrainedStyle(net, about))


def wider_style(width: int) -> Style:
    """A net of so many channels, whose weights are no longer small."""
    torch.manual_seed(3)
    net = JohnsonNet(width, residual_blocks=1, upsampling="bilinear").requires_grad_(False)
    for name, value in net.named_parameters():
        if "norm" in name:
            nn.init.normal_(value)
    style = tiny_style()
    return replace(style, trained=TrainedStyle(net, style.net().description))


_graphs: dict[tuple[object, ...], ExportedProgram] = {}


def graph_once(exported: ExportedNet) -> ExportedProgram:
    """The graph of equal nets is drawn once in all tests of a process: it takes seconds."""
    weights = b"".join(value.numpy().tobytes() for value in exported.state_dict().values())
    settings = (exported.margin, exported.uint8, exported.any_size, exported.least_side)
    key = (hashlib.sha256(weights).hexdigest(), *settings)
    if key not in _graphs:
        _graphs[key] = draw(exported)
    return _graphs[key]


@contextmanager
def small_proof() -> Iterator[None]:
    """Proves with small pictures: the whole of it takes seconds, and one test has it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(graph, "draw", graph_once)
        patched.setattr(sizes, "SIZES", ((1, 64, 64), (1, 80, 64), (1, 96, 72), (2, 64, 48)))
        patched.setattr(sizes, "ODD", (2, 71, 50))
        yield


def exported(style: Style, margin: int = 20, **others: bool) -> ExportedNet:
    """The style's net as it goes into a file."""
    net = style.net().net
    assert isinstance(net, JohnsonNet)
    return ExportedNet(net.stages(), margin, **others).eval()


def painter(style: Style, margin: int = 20) -> NetPainter:
    """What ``fst stylize`` paints with."""
    return NetPainter(style.net().net, margin=margin)


def write_exports(folder: Path) -> None:
    """The files that the documents read, of bytes, by a tiny net that is called monet."""
    pytest.importorskip("onnxruntime")
    pytest.importorskip("openvino")
    with small_proof():
        export(
            tiny_style(), ["onnx", "pt2", "openvino"], folder, ExportOptions("monet", uint8=True)
        )
