"""fst.system.memory: a lack of memory is known, and freed memory is kept."""

import ctypes
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from fst.system.memory import is_out_of_memory, keep_freed_memory, on_large_pages

LARGE = """
import ctypes
from fst.system.memory import keep_freed_memory

class MallInfo(ctypes.Structure):
    # mallinfo2 of glibc's malloc.h; hblks counts the blocks got through mmap
    _fields_ = [(name, ctypes.c_size_t) for name in
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

libc = ctypes.CDLL(None)
if not hasattr(libc, "mallinfo2"):
    raise SystemExit("needs glibc 2.33")
libc.mallinfo2.restype = MallInfo
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.restype, libc.free.argtypes = None, [ctypes.c_void_p]
keep_freed_memory()
mapped, held = libc.mallinfo2().hblks, libc.mallinfo2().arena
block = libc.malloc(256 << 20)  # never touched: it costs address space only
assert libc.mallinfo2().hblks == mapped, "mapped"
libc.free(block)
assert libc.mallinfo2().arena >= max(held, 256 << 20), "went back to the kernel"
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_large_blocks_come_from_memory_that_is_kept() -> None:
    """In a process of its own: another thread may map memory meanwhile."""
    done = subprocess.run([sys.executable, "-c", LARGE], capture_output=True, text=True)
    if "needs glibc" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr


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


def hugepages() -> str:
    """Who gets large pages: of always, madvise and never, the one in brackets."""
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return setting.read_text() if setting.exists() else ""


@pytest.mark.skipif("[madvise]" not in hugepages(), reason="large pages are not to be asked for")
def test_large_tensors_may_lie_on_large_pages() -> None:
    values = on_large_pages(torch.empty(16 << 20, dtype=torch.uint8))
    middle = values.data_ptr() + (8 << 20)
    found, inside = "", False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        start, dash, rest = line.partition("-")
        if dash and " " in rest and all(letter in "0123456789abcdef" for letter in start):
            inside = int(start, 16) <= middle < int(rest.split()[0], 16)
        elif inside and line.startswith("VmFlags:"):
            found = line
    assert "hg" in found.split()  # as proc(5) calls it


@pytest.mark.parametrize("size", [0, 5, 3 << 20])
def test_other_tensors_are_left_as_they_are(size: int) -> None:
    values = torch.arange(size, dtype=torch.int32)
    assert on_large_pages(values) is values
    assert torch.equal(values, torch.arange(size, dtype=torch.int32))
    meta = torch.empty(16 << 20, device="meta")
    assert on_large_pages(meta) is meta
