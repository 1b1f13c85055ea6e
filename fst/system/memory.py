"""How much memory there is, and how the C library keeps it."""

import ctypes
import os
import platform
import re
from pathlib import Path

import torch
from torch import Tensor

from fst.errors import InputError
from fst.system.checks import shown

LARGE_PAGE = 2 << 20
"""Bytes of a large page, on x86 and most of ARM."""


def keep_freed_memory() -> None:
    """Tells glibc to keep large freed blocks instead of handing them back to the kernel.

    A training step frees and allocates the same few hundred large blocks again and again; each
    one that went back to the kernel is paid for in page faults. Does nothing on other C libraries.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    m_trim_threshold, m_mmap_threshold = -1, -3  # malloc.h
    libc = ctypes.CDLL(None)
    libc.mallopt(m_mmap_threshold, 1 << 30)
    libc.mallopt(m_trim_threshold, (1 << 31) - 1)


def on_large_pages(values: Tensor) -> Tensor:
    """A tensor that was just made, whose memory Linux may give in pages of 2 MB.

    Else each of its pages of 4 KB is asked for, one by one, where it is first written to: a tenth
    of the time of a pass at 1024 pixels. Does nothing to small tensors, elsewhere nothing at all.
    """
    start, end = values.data_ptr(), values.data_ptr() + values.numel() * values.element_size()
    start, end = -(-start // LARGE_PAGE) * LARGE_PAGE, end // LARGE_PAGE * LARGE_PAGE
    if values.device.type == "cpu" and end > start and platform.system() == "Linux":
        madv_hugepage = 14  # mman.h
        size = ctypes.c_size_t(end - start)
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), size, madv_hugepage)
    return values


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that a device's memory, or the computer's, is exhausted."""
    signs = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in signs)


def parse_memory(text: str) -> int:
    """``"2GB"``, ``"500 MB"`` or ``"1.5GiB"`` in bytes.

    Raises:
        InputError: not of this form, nothing, or more than any computer has.
    """
    match = re.fullmatch(r"\s*([\d.]+)\s*([kmgt]?)(i?)b?\s*", text.lower())
    try:
        number = float(match[1]) if match else 0.0
    except ValueError:
        number = 0.0
    if match is not None and number > 0:
        size = number * (1024 if match[3] else 1000) ** " kmgt".index(match[2] or " ")
        if 1 <= size < 1 << 63:
            return int(size)
    raise InputError(f"memory is given as 2GB or 500MB, not {shown(text)}")


def free_memory(device: torch.device) -> int:
    """The bytes that can still be had on a device; generous where nobody can tell."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if device.type != "cpu":
        return 1 << 40
    return min(_available(), _below_limit())


def _available() -> int:
    """What the computer has left."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (ValueError, OSError):
        return 4 << 30


def _below_limit() -> int:
    """What a container's limit leaves (cgroup v2)."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        cache = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        return 1 << 62 if limit == "max" else int(limit) - used + int(cache["inactive_file"])
    except (OSError, ValueError, KeyError):
        return 1 << 62
