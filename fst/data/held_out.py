"""The photos that a run is validated on."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from fst.data.sources import Record, decode, name_of
from fst.errors import InputError


class HeldOutPhotos(Dataset[Tensor]):
    """Center crops of a few photos, decoded once and kept.

    Args:
        records: the photos.
        size: side of the squares, in pixels.
        on_skip: told of every photo that can't be decoded.
    """

    def __init__(
        self, records: list[Record], size: int, on_skip: Callable[[str], None] = print
    ) -> None:
        crop = v2.Compose(
            [
                v2.Resize(size, antialias=True),
                v2.CenterCrop(size),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )
        self.crops: list[Tensor] = []
        self.skipped: set[str] = set()
        for record in records:
            try:
                self.crops.append(crop(decode(record, 2 * size)))
            except InputError as error:
                self.skipped.add(name_of(record))
                on_skip(f"skipped {len(self.skipped)}: {error}")
        if not self.crops:
            raise InputError("none of the validation photos can be decoded")

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> Tensor:
        return self.crops[index]
