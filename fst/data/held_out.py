"""The photos that a run is validated on."""

from collections.abc import Callable

import datasets
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


def hold_out(photos: datasets.Dataset, count: int) -> tuple[list[Record], datasets.Dataset]:
    """Sets photos apart: at most a fifth, spread over all; of very few, none is set apart.

    Args:
        photos: one column of undecoded photos.
        count: how many to validate on.

    Returns:
        The photos to validate on, and those that are left to train on.
    """
    column = photos.column_names[0]
    apart = min(count, len(photos) // 5)
    if apart == 0:
        chosen = range(min(count, len(photos)))
        return [photos[i][column] for i in chosen], photos
    chosen_set = {i * len(photos) // apart for i in range(apart)}
    rest = [i for i in range(len(photos)) if i not in chosen_set]
    return [photos[i][column] for i in sorted(chosen_set)], photos.select(rest)
