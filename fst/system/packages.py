"""Packages that not everybody needs: imported where they are used, asked for in one line."""

import importlib
from types import ModuleType

from fst.errors import InputError

EXTRAS = {
    "video": "av opencv-python",
    "web": "fastapi uvicorn python-multipart prometheus-client",
    "ray": "ray",
    "onnxruntime": "onnxruntime onnx onnxscript",
    "openvino": "openvino",
    "litert": "litert-torch ai-edge-litert ai-edge-quantizer",
    "coreml": "coremltools",
    "executorch": "executorch torchao",
}
"""Extra of fst -> the packages that it brings, as pip calls them."""


def need(module: str, extra: str, what: str) -> ModuleType:
    """A module of a package that an extra of fst brings.

    Args:
        module: to import, ``"av"``.
        extra: of :data:`EXTRAS`, that brings it.
        what: wants it, for the message: ``"fst video"``.

    Raises:
        InputError: it is not installed, or can't be loaded; says what to type.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise InputError(
            f"{what} needs the package {module}: pip install {EXTRAS[extra]}"
        ) from error
    except ImportError as error:
        raise InputError(
            f"{what} needs the package {module}, which can't be loaded: {error}"
        ) from error
