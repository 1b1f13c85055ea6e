"""fst.system.device: the device, the precision, and the rank."""

import platform
from pathlib import Path

import pytest
import torch

from fst.choices import PRECISIONS
from fst.errors import InputError
from fst.system.device import pick_device, pick_precision, process_rank

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


@pytest.mark.parametrize(
    "name", ["warp", "", "cpu:x", "cpu:5", "cuda:99", "meta", "hpu", "vulkan", "mkldnn", "CPU"]
)
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"no device {name!r} here"):
        pick_device(name)


@pytest.mark.parametrize("name", [3, None, b"cpu", ["cpu"], 2.5])
def test_a_device_is_a_name(name: object) -> None:
    with pytest.raises(InputError, match="cpu or cuda"):
        pick_device(name)  # type: ignore[arg-type]


def test_a_device_of_torchs_is_taken() -> None:
    assert pick_device(torch.device("cpu")) == pick_device("cpu:0") == torch.device("cpu")
    with pytest.raises(InputError, match="no device 'meta' here"):
        pick_device(torch.device("meta"))


def test_the_devices_that_are_there_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda number: f"Card {number}")
    with pytest.raises(InputError, match=r"auto, cpu, cuda:0 \(Card 0\), cuda:1 \(Card 1\)"):
        pick_device("meta")


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
