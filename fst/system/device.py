"""Which device, which precision, and how the C library keeps its memory."""

import os
import warnings

import torch

from fst.choices import PRECISIONS
from fst.errors import InputError
from fst.system.checks import shown


def pick_device(name: str | torch.device = "auto") -> torch.device:
    """The device called ``name``; ``"auto"`` is the first CUDA device, else Apple's, else the CPU.

    Raises:
        InputError: no such device on this machine; says which there are.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not isinstance(name, str | torch.device):
        raise InputError(f"a device is a name such as cpu or cuda:0, not {shown(name)}")
    try:
        with warnings.catch_warnings():  # of names that torch once had
            warnings.simplefilter("ignore")
            device = torch.device(name)
        if device.type not in ("cpu", *_accelerators()) or (device.type == "cpu" and device.index):
            raise RuntimeError("a device that has no memory, or that is not here")
        torch.ones(1, device=device).item()  # that it computes
    except (RuntimeError, AssertionError) as error:
        here = ", ".join(["auto", "cpu", *_described()])
        raise InputError(f"no device {str(name)!r} here: there are {here}") from error
    return torch.device("cpu") if device.type == "cpu" else device


def _accelerators() -> list[str]:
    """The kinds of devices besides the CPU that work here."""
    there = ["cuda"] if torch.cuda.is_available() else []
    there += ["mps"] if torch.backends.mps.is_available() else []
    return there + (["xpu"] if torch.xpu.is_available() else [])


def _described() -> list[str]:
    """Every accelerator by the name that picks it, CUDA's with the name on the box."""
    found = []
    for kind in _accelerators():
        if kind != "cuda":
            found.append(kind)
            continue
        for number in range(torch.cuda.device_count()):
            found.append(f"cuda:{number} ({torch.cuda.get_device_name(number)})")
    return found


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """The dtype to compute convolutions in: ``torch.float32`` or ``torch.bfloat16``.

    ``"auto"`` is bf16 where the hardware multiplies it faster than float32: GPUs that support it,
    and CPUs with AMX or AVX-512-bf16. Losses, Gram matrices, norm statistics and master weights
    stay in float32 everywhere.

    Raises:
        InputError: ``name`` is none of :data:`PRECISIONS`.
    """
    if name not in PRECISIONS:
        raise InputError(f"precision must be one of {', '.join(PRECISIONS)}, not {name!r}")
    if name != "auto":
        return torch.bfloat16 if name == "bf16" else torch.float32
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        fast = bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    else:
        fast = False
    return torch.bfloat16 if fast else torch.float32


def machine(device: torch.device) -> str:
    """What computes, in words: a GPU's name, or how many threads of what instruction set."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type != "cpu":
        return device.type
    fast = torch.cpu.get_capabilities()
    sets = [name for name in ("avx512_bf16", "amx_bf16") if fast.get(name)]
    return f"{torch.get_num_threads()} CPU threads" + (f" ({', '.join(sets)})" if sets else "")


def process_rank() -> int:
    """Which process of a run on several devices this is, before the run has begun; 0 if alone."""
    # torchrun, Lightning, SLURM: an interactive job of SLURM's has its number in every process
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"):
        if name in os.environ:
            return int(os.environ[name])
    return 0
