"""All photos of a run, decoded once and kept on the device."""

import os
from concurrent.futures import ThreadPoolExecutor

import datasets
import torch

from fst.data.disk_cache import chunks, shown
from fst.data.sources import Record, decode, name_of, shrink
from fst.errors import InputError

DEVICE_SHARE = 0.5
"""Of a device's free memory that decoded photos may take."""


def decoded_photos(
    photos: datasets.Dataset, side: int, device: torch.device, always: bool = False
) -> list[Record] | None:
    """All photos as uint8 pixels on ``device``, short side at most ``side``; None if too large.

    A photo that can't be decoded keeps its encoded record, to be named when its turn comes.

    Args:
        photos: one column of undecoded photos.
        side: in pixels.
        device: where the pixels go.
        always: even where they would take more than half of the device's free memory.
    """
    column = photos.column_names[0]

    def load(record: Record) -> Record:
        try:
            return {"path": name_of(record), "pixels": shrink(decode(record, side), side)}
        except InputError:
            return record

    rows = shown(photos, f"decoding {len(photos)} photos once for all", len(photos))
    decoded: list[Record] = []
    size = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for chunk in chunks((row[column] for row in rows), 256):
            for record in pool.map(load, chunk):
                if "pixels" in record:
                    record["pixels"] = record["pixels"].to(device)
                    size += record["pixels"].numel()
                decoded.append(record)
            missing = size / len(decoded) * (len(photos) - len(decoded))
            if not always and not _has_room(device, missing):
                return None
    return decoded


def _has_room(device: torch.device, size: float) -> bool:
    """Whether so many bytes may be taken of its memory."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return size <= DEVICE_SHARE * free
