"""Which device, which precision, and how the C library keeps its memory."""

import os

import torch

from fst.choices import PRECISIONS
from fst.errors import InputError


def pick_device(name: str = "auto") -> torch.device:
    """The device called ``name``; ``"auto"`` is the first CUDA device, else Apple's, else the CPU.

    Raises:
        InputError: no such device on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        there = ["auto", "cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        there += ["mps"] if torch.backends.mps.is_available() else []
        raise InputError(f"no device {name!r} here: there are {', '.join(there)}") from error
    return device


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
