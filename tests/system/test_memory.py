"""fst.system.memory: a lack of memory is known, and freed memory is kept."""

import ctypes
import platform
from collections.abc import Callable

import pytest
import torch

from fst.system.memory import is_out_of_memory, keep_freed_memory


class _MallInfo(ctypes.Structure):
    """``struct mallinfo2`` of glibc's malloc.h; ``hblks`` counts the blocks got through mmap."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
        )
    ]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_large_blocks_come_from_memory_that_is_kept() -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("needs glibc 2.33")
    mallinfo: Callable[[], _MallInfo] = libc.mallinfo2
    libc.mallinfo2.restype = _MallInfo
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
    keep_freed_memory()
    mapped, held = mallinfo().hblks, mallinfo().arena
    block = libc.malloc(256 << 20)  # never touched: it costs address space only
    assert mallinfo().hblks == mapped
    libc.free(block)
    assert mallinfo().arena >= max(held, 256 << 20)  # nothing went back to the kernel


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("opened the C library")

    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_freed_memory()


def test_a_lack_of_memory_is_known_by_the_allocators_own_words() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("Tried to allocate 20.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.04 GB, max allowed: 9.07 GB)."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:75] not enough memory: you tried to allocate"),
    ],
)
def test_a_lack_of_memory_is_known_by_other_allocators_words(error: RuntimeError) -> None:
    assert is_out_of_memory(error)


def test_other_errors_are_no_lack_of_memory() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2) + torch.empty(3)
    assert not is_out_of_memory(caught.value)
