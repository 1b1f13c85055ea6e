"""Other ways to run a net on whole pictures: torch.compile, ONNX Runtime, OpenVINO.

The last two are extras of the package. They are given :class:`~fst.nets.plain.PlainNet`, the net's
stages in operations that every graph compiler knows.

Threads may share what is made here, and make several at once. What libraries keep for the whole
process (tracing, warning filters, compiling) is used by one thread at a time.
"""

import importlib.util
import io
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from fst.choices import BACKENDS
from fst.errors import InputError
from fst.nets.fused import is_used
from fst.nets.plain import PlainNet
from fst.nets.stages import Stage
from fst.system.runtimes import openvino, openvino_core

_NEEDS = {"onnxruntime": ("onnxruntime", "onnx", "onnxscript"), "openvino": ("openvino",)}

Whole = Callable[[Tensor], Tensor]
"""``(N, 3, H, W)`` in [0, 1], sides multiples of 4, to the painted picture, float32; any thread may
call it."""

_CONVERTING = threading.Lock()
"""Of torch's tracer and Python's list of warning filters: there is one of each in a process."""

_COMPILED = threading.Lock()
"""Of torch.compile: a compiled net refuses to run while another thread traces one, and a picture of
a new size is traced anew. A net uses all cores, so that pictures gain nothing side by side."""


def pick_backend(name: str, device: torch.device, dtype: torch.dtype) -> str:
    """The backend called ``name``; ``"auto"`` is the fastest that is here.

    That is OpenVINO in bf16 on a CPU with AMX, where it is installed and our own strips are not
    compiled; else the strips. Compiled they are as fast from 512 pixels on, and begin two seconds
    sooner (docs/performance.md). Without AMX OpenVINO was no faster, and ONNX Runtime never.

    Raises:
        InputError: an unknown backend, one that is not installed, or not for this device;
            ``FST_CONVOLUTIONS`` is none of its values: that is told before the first photo.
    """
    on_cpu = device.type == "cpu"
    compiled = on_cpu and is_used(dtype)
    if name == "auto":
        amx = on_cpu and bool(torch.cpu.get_capabilities().get("amx_bf16"))
        fast = amx and dtype == torch.bfloat16 and not compiled and is_installed("openvino")
        return "openvino" if fast else "eager"
    if name not in BACKENDS:
        raise InputError(f"backend must be auto, {', '.join(BACKENDS)}, not {name!r}")
    check_installed(name)
    if name in _NEEDS and not on_cpu:
        raise InputError(f"the backend {name} runs on a CPU, not on {device}")
    return name


def is_installed(backend: str) -> bool:
    """Whether all is here that a backend needs."""
    return all(importlib.util.find_spec(module) for module in _NEEDS.get(backend, ()))


def check_installed(backend: str) -> None:
    """Refuses a backend that is not here.

    Raises:
        InputError: says what to install.
    """
    if not is_installed(backend):
        needs = " ".join(_NEEDS[backend])
        raise InputError(f"the backend {backend} is not installed: pip install {needs}")


def make_whole(backend: str, stages: Sequence[Stage], dtype: torch.dtype) -> Whole:
    """The net in another backend.

    Args:
        backend: of :data:`BACKENDS`, but not ``"eager"``.
        stages: of the net, in float32, on the device to compute on.
        dtype: to compute in; ONNX Runtime computes in float32 all the same.
    """
    plain = PlainNet(stages).eval()
    if backend == "compile":
        return _compiled(plain, dtype)
    return _openvino(plain, dtype) if backend == "openvino" else _onnxruntime(plain)


def _compiled(plain: PlainNet, dtype: torch.dtype) -> Whole:
    compiled: Any = torch.compile(plain.to(memory_format=torch.channels_last))

    def run(photos: Tensor) -> Tensor:
        photos = photos.contiguous(memory_format=torch.channels_last)
        bf16 = dtype == torch.bfloat16
        with _COMPILED, torch.autocast(photos.device.type, torch.bfloat16, enabled=bf16):
            painted: Tensor = compiled(photos)
        return painted.float()

    return run


@contextmanager
def _converting() -> Iterator[None]:
    """One thread at a time, and without the warnings of torch.jit, which both converters use."""
    with _CONVERTING, warnings.catch_warnings():
        for module in ("torch", __name__):  # what other threads warn of is still told
            warnings.filterwarnings("ignore", module=rf"{module}\b")
        yield


def _openvino(plain: PlainNet, dtype: torch.dtype) -> Whole:
    with _converting():
        model = openvino().convert_model(plain, example_input=torch.zeros(1, 3, 64, 64))
    precision = "bf16" if dtype == torch.bfloat16 else "f32"
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino_core().compile_model(model, "CPU", settings)
    # a request has one place for its result. Requests of their own for all threads were no faster:
    # the model runs one at a time in either case, on all cores
    request, lock = compiled.create_infer_request(), threading.Lock()

    def run(photos: Tensor) -> Tensor:
        with lock:
            return torch.from_numpy(request.infer([photos.contiguous().numpy()])[0].copy())

    return run


def _onnxruntime(plain: PlainNet) -> Whole:
    import onnxruntime

    buffer: Any = io.BytesIO()
    sides = {0: "n", 2: "h", 3: "w"}
    with _converting():
        torch.onnx.export(
            plain,
            (torch.zeros(1, 3, 64, 64),),
            buffer,
            input_names=["photos"],
            output_names=["painted"],
            dynamic_axes={"photos": sides, "painted": sides},
            dynamo=False,
            opset_version=18,
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(
        buffer.getvalue(), options, providers=["CPUExecutionProvider"]
    )

    def run(photos: Tensor) -> Tensor:  # a session may be run by several threads at a time
        return torch.from_numpy(session.run(None, {"photos": photos.contiguous().numpy()})[0])

    return run
