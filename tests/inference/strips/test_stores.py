"""fst.inference.strips.stores: rows kept in memory or on disk."""

import errno
import os
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fst.errors import InputError
from fst.inference.strips.stores import DiskStore, Store, outside
from fst.system.files import scratch_folder


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
def test_places_outside_are_those_that_padding_takes(padding: str) -> None:
    line = torch.arange(6.0)
    expected = F.pad(line[None, None], (4, 4), mode=padding)[0, 0].tolist()
    assert [line[outside(i, 6, padding)].item() for i in range(-4, 10)] == expected


@pytest.mark.parametrize("kind", [Store, DiskStore])
@pytest.mark.parametrize("padding", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("pad", [0, 1, 3])
def test_a_store_gives_padded_rows(kind: type[Store], padding: str, pad: int) -> None:
    x = draw(1, 2, 70, 5)
    store = kind(2, 70, 5, pad, torch.float32, "cpu")
    for first in (0, 30, 60):
        store.write(first, x[:, :, first : first + 30])
    store.seal(padding)
    expected = F.pad(x, (pad,) * 4, mode=padding) if pad else x
    assert torch.equal(store.read(-pad, 70 + pad), expected)
    rows = store.read(3, 9).clone() + 1
    store.put(3, rows)
    assert torch.equal(store.read(3, 9), rows)
    assert torch.equal(store.read(9, 70 + pad), expected[:, :, 9 + pad :])


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells of open files by /proc")
def test_the_disks_file_is_in_the_scratch_folder_and_has_no_name() -> None:
    """Nothing is left behind, however the process ends."""
    store = DiskStore(3, 8, 8, 1, torch.float32, "cpu")
    place = os.readlink(f"/proc/self/fd/{store.file.fileno()}")
    assert place.startswith(str(scratch_folder()))
    assert list(scratch_folder().iterdir()) == []


def test_a_full_disk_is_told_with_the_folder_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not with the folder of the results, which may have space."""
    store = DiskStore(3, 8, 8, 1, torch.float32, "cpu")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(InputError) as told:
        store.write(0, draw(1, 3, 8, 8))
    facts = (str(scratch_folder()), os.strerror(errno.ENOSPC), "TMPDIR")
    assert all(fact in str(told.value) for fact in facts)
    assert "\n" not in str(told.value)
