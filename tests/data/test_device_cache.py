"""fst.data.device_cache: photos kept decoded in memory."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from support import one_color
from torch import Tensor

from fst.data import device_cache
from fst.data.device_cache import decoded_photos
from fst.data.sources import Record, decode, open_folder
from fst.errors import InputError

pytestmark = pytest.mark.usefixtures("offline")


CPU = torch.device("cpu")


def test_decoded_photos_keep_order_names_and_pixels(colors: Path) -> None:
    opened = open_folder(str(colors))
    decoded = decoded_photos(opened, 64, CPU, always=True)
    assert decoded is not None
    assert [Path(record["path"]).name for record in decoded] == [f"{i:02d}.png" for i in range(10)]
    for record, row in zip(decoded, opened, strict=True):
        assert record["pixels"].dtype == torch.uint8
        assert torch.equal(record["pixels"], decode(row["image"]))


def test_decoded_photos_are_no_larger_than_asked(photo_folder: Path) -> None:
    decoded = decoded_photos(open_folder(str(photo_folder)), 30, CPU, always=True)
    assert decoded is not None
    assert {tuple(record["pixels"].shape) for record in decoded} == {(3, 30, 36)}


def test_a_broken_photo_stays_encoded_until_its_turn(colors: Path) -> None:
    (colors / "03.png").write_bytes(b"no picture")
    decoded = decoded_photos(open_folder(str(colors)), 64, CPU, always=True)
    assert decoded is not None
    assert [i for i, record in enumerate(decoded) if "pixels" not in record] == [3]
    with pytest.raises(InputError, match=r"03\.png is not a picture"):
        decode(decoded[3])


def test_a_cpu_is_not_filled_unless_asked(colors: Path) -> None:
    assert decoded_photos(open_folder(str(colors)), 64, CPU) is None


@pytest.mark.parametrize(
    ("needed", "fits"), [(0.4, True), (0.49, True), (0.6, False), (2.0, False)]
)
def test_a_gpu_is_filled_up_to_half_of_its_free_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: float, fits: bool
) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(200):
        one_color(i).save(tmp_path / "photos" / f"{i:03d}.png")
    total = 200 * 24 * 20 * 3
    taken = 0

    def to(pixels: Tensor, device: torch.device) -> Tensor:
        nonlocal taken
        taken += pixels.numel()
        return pixels

    def chunks(records: Iterator[Record], size: int) -> Iterator[list[Record]]:
        return real(records, 16)

    def memory(device: torch.device) -> tuple[int, int]:
        return round(total / needed) - taken, 10**12

    real = device_cache.chunks
    monkeypatch.setattr(device_cache, "chunks", chunks)
    monkeypatch.setattr(Tensor, "to", to)
    monkeypatch.setattr(torch.cuda, "mem_get_info", memory)
    gpu: Any = SimpleNamespace(type="cuda")
    decoded = decoded_photos(open_folder(str(tmp_path / "photos")), 64, gpu)
    assert (decoded is not None) == fits
    if decoded is None:
        assert taken <= 16 * 24 * 20 * 3  # found out early
    else:
        assert len(decoded) == 200
