"""fst.system.device: the device, the precision, and glibc's memory."""

import ctypes
import platform
import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fst.choices import PRECISIONS
from fst.errors import InputError
from fst.system.device import pick_device, pick_precision, process_rank
from fst.system.memory import is_out_of_memory, keep_freed_memory
from fst.system.random import random_states, set_random_states

CPUINFO = Path("/proc/cpuinfo")


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_prefers_cuda_then_mps_then_cpu(
    cuda: bool, mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert pick_device("auto").type == expected
    assert pick_device().type == expected


def test_a_named_device_is_that_device() -> None:
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["warp", "", "cpu:x", "cuda:99"])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"no device {name!r} here"):
        pick_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_cuda_is_refused_where_there_is_none() -> None:
    with pytest.raises(InputError, match="no device 'cuda' here"):
        pick_device("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_is_given_where_there_is_one() -> None:
    assert pick_device("auto").type == pick_device("cuda").type == "cuda"


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_a_named_precision_holds_on_every_device(device: str) -> None:
    assert pick_precision("fp32", torch.device(device)) == torch.float32
    assert pick_precision("bf16", torch.device(device)) == torch.bfloat16


@pytest.mark.parametrize("name", ["fp16", "float32", "AUTO", ""])
def test_an_unknown_precision_names_the_known_ones(name: str) -> None:
    with pytest.raises(InputError) as caught:
        pick_precision(name, torch.device("cpu"))
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in PRECISIONS)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": False}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": False, "avx512_f": True}, torch.float32),
        ({}, torch.float32),
    ],
)
def test_auto_on_a_cpu_is_bf16_only_with_bf16_instructions(
    capabilities: dict[str, bool], expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert pick_precision("auto", torch.device("cpu")) == expected


@pytest.mark.skipif(
    not CPUINFO.exists() or platform.machine() != "x86_64", reason="needs Linux on x86-64"
)
def test_auto_on_this_cpu_agrees_with_the_kernels_list_of_flags() -> None:
    flags = set(CPUINFO.read_text().partition("flags")[2].partition("\n")[0].split())
    fast = bool(flags & {"amx_bf16", "avx512_bf16"})
    expected = torch.bfloat16 if fast else torch.float32
    assert pick_precision("auto", torch.device("cpu")) == expected


@pytest.mark.parametrize(("native", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_auto_on_cuda_does_not_count_emulated_bf16(
    native: bool, expected: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_bf16_supported(including_emulation: bool = True) -> bool:
        return native or including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", is_bf16_supported)
    assert pick_precision("auto", torch.device("cuda")) == expected


def test_auto_on_mps_is_float32() -> None:
    assert pick_precision("auto", torch.device("mps")) == torch.float32


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


RANKS = ("RANK", "SLURM_PROCID", "LOCAL_RANK")


@pytest.mark.parametrize(
    ("variables", "rank"),
    [
        ({}, 0),
        ({"RANK": "3"}, 3),
        ({"SLURM_PROCID": "2"}, 2),
        ({"LOCAL_RANK": "1"}, 1),
        (
            {"LOCAL_RANK": "1", "SLURM_PROCID": "5", "RANK": "7"},
            7,
        ),  # the second machine of torchrun
        ({"LOCAL_RANK": "1", "SLURM_PROCID": "0"}, 1),  # in an interactive job of SLURM's
        ({"RANK": "0", "SLURM_PROCID": "5"}, 0),
    ],
)
def test_the_rank_is_what_the_launcher_says(
    variables: dict[str, str], rank: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in RANKS:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert process_rank() == rank


def draw_from_all() -> list[Any]:
    """Something from every global generator, of every kind that has a state of its own."""
    return [
        torch.rand(3).tolist(),
        torch.randn(1).item(),
        np.random.rand(2).tolist(),
        np.random.standard_normal(),  # the second of a pair is kept for the next call
        random.random(),
        random.gauss(0, 1),  # so is this one's
    ]


@pytest.fixture
def seeded() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)


@pytest.mark.usefixtures("seeded")
def test_random_states_are_the_same_from_a_file() -> None:
    draw_from_all()
    file = BytesIO()
    torch.save(random_states(), file)
    expected = [draw_from_all(), draw_from_all()]
    file.seek(0)
    set_random_states(torch.load(file, weights_only=True))
    assert [draw_from_all(), draw_from_all()] == expected


@pytest.mark.usefixtures("seeded")
def test_reading_the_random_states_draws_nothing() -> None:
    expected = draw_from_all()
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    first = random_states()
    assert draw_from_all() == expected
    set_random_states(first)
    assert draw_from_all() == expected


def test_the_random_states_of_gpus_are_read_and_put_back_where_they_are_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: ["first", "second"])
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", put.append)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    unused = random_states()
    assert unused["cuda"] == []  # a run on the CPU starts no GPU
    set_random_states(unused)
    assert put == []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    used = random_states()
    set_random_states(used)
    assert put == [["first", "second"]]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    set_random_states(used)  # on another machine
    assert len(put) == 1


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
