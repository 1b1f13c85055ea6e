"""A tiny style to export, for the tests of several files."""

import torch
from support import shaken_net

from fst.inference.export.exported import ExportedNet
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


def exported(style: Style, margin: int = 20, **others: bool) -> ExportedNet:
    """The style's net as it goes into a file."""
    net = style.net().net
    assert isinstance(net, JohnsonNet)
    return ExportedNet(net.stages(), margin, **others).eval()


def painter(style: Style, margin: int = 20) -> NetPainter:
    """What ``fst stylize`` paints with."""
    return NetPainter(style.net().net, margin=margin)
