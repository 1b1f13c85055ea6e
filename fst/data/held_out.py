"""The photos that a run is validated on."""

from collections.abc import Callable, Iterable
from itertools import islice
from operator import itemgetter

import datasets
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from fst.data.photo_list import ATTEMPTS
from fst.data.sources import Record, decode, name_of, named
from fst.errors import InputError
from fst.image.blank import is_blank

PILOT_PHOTOS = 4
"""To calibrate on: of one alone the weight follows that photo."""


class HeldOutPhotos(Dataset[Tensor]):
    """Center crops of a few photos, decoded once and kept.

    Photos that can't be decoded are replaced by the next ones, and so are those that show nothing,
    as long as there are others.

    Args:
        records: the photos; of those after the first ``count`` only what is needed is opened.
        size: side of the squares, in pixels.
        on_skip: told of every photo that can't be decoded, and of those that show nothing.
        count: how many are wanted; None takes all.

    Raises:
        InputError: none can be decoded.
    """

    def __init__(
        self,
        records: Iterable[Record],
        size: int,
        on_skip: Callable[[str], None] = print,
        count: int | None = None,
    ) -> None:
        crop = v2.Compose(
            [
                v2.Resize(size, antialias=True),
                v2.CenterCrop(size),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )
        self.skipped: set[str] = set()
        found: list[tuple[int, str, Tensor]] = []
        blank: list[tuple[int, str, Tensor]] = []
        few = records if count is None else islice(records, count + ATTEMPTS)
        for index, record in enumerate(few):
            name = name_of(record)
            try:
                photo = crop(decode(record, 2 * size))
            except InputError as error:
                self.skipped.add(name)
                on_skip(f"skipped {len(self.skipped)}: {error}")
                continue
            (blank if is_blank(photo[None]) else found).append((index, name, photo))
            if len(found) == count:
                break
        missing = len(blank) if count is None else count - len(found)
        found = sorted([*found, *blank[:missing]], key=itemgetter(0))
        if passed := [name for index, name, _ in blank[missing:] if index < found[-1][0]]:
            on_skip(f"of one color, so others are validated on: {named(passed)}")
        if not found:
            raise InputError(
                f"none of the photos to validate on can be decoded: {named(sorted(self.skipped))}"
            )
        self.crops = [photo for _, _, photo in found]
        self.names = {name for _, name, _ in found}
        self.taken = [index for index, _, _ in found]
        """Which of the records they are."""

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> Tensor:
        return self.crops[index]


def hold_out(
    photos: datasets.Dataset, count: int, size: int, on_skip: Callable[[str], None] = print
) -> tuple[HeldOutPhotos, datasets.Dataset]:
    """Sets photos apart: at most a fifth, spread over all; of very few, none is set apart.

    Args:
        photos: one column of undecoded photos.
        count: how many to validate on.
        size: side of their crops, in pixels.
        on_skip: told of every photo that can't be validated on.

    Returns:
        The photos to validate on, and those that are left to train on.

    Raises:
        InputError: none can be decoded.
    """
    column = photos.column_names[0]
    apart = min(count, len(photos) // 5)
    chosen = [i * len(photos) // apart for i in range(apart)]
    order = [*chosen, *sorted(set(range(len(photos))).difference(chosen))]
    records = (photos[i][column] for i in order)
    held_out = HeldOutPhotos(records, size, on_skip, apart or min(count, len(photos)))
    if apart == 0:
        return held_out, photos
    gone = {*chosen, *(order[i] for i in held_out.taken)}
    return held_out, photos.select([i for i in range(len(photos)) if i not in gone])


def pilot_crops(held_out: HeldOutPhotos, others: Iterable[Record], count: int) -> list[Tensor]:
    """Crops to calibrate on: the held-out photos, and some of the others where these are too few.

    Args:
        held_out: gives them their size.
        others: the photos to train on.
        count: how many there should be; there are fewer where there are no more photos.

    Returns:
        Crops, ``(3, size, size)`` each, those that show something first.
    """
    crops = list(held_out.crops)
    if (missing := count - len(crops)) > 0:
        new = (record for record in others if name_of(record) not in held_out.names)
        try:
            crops += HeldOutPhotos(new, crops[0].shape[2], lambda line: None, missing).crops
        except InputError:
            pass  # none of them can be decoded, or there is none
    return crops
