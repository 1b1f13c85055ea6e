"""Content photos to train on, as a Lightning DataModule over Hugging Face ``datasets``.

Which photo comes at which place, how it is cropped and whether it is mirrored follow from the seed
and the place alone. So a resumed run sees what the interrupted one would have seen, with any number
of workers.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import datasets
import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
from torchvision.transforms import v2

from fst import assets
from fst.errors import AssetError, InputError
from fst.photos import COCO, Record, decode, name_of, open_folder, open_hub, open_sample

SOURCES = ("auto", "folder", "hub", "sample")


class CropAndFlip:
    """A random resized crop, mirrored half of the time; the same for the same ``key``."""

    def __init__(self, size: int, min_scale: float, seed: int) -> None:
        self.seed = seed
        self.transform = v2.Compose(
            [
                v2.RandomResizedCrop(size, scale=(min_scale, 1.0), antialias=True),
                v2.RandomHorizontalFlip(),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )

    def __call__(self, photo: Tensor, key: int) -> Tensor:
        """``(3, H, W)`` uint8 to ``(3, size, size)`` in [0, 1]."""
        with torch.random.fork_rng(devices=[]):  # the transforms draw from the global generator
            torch.default_generator.manual_seed((self.seed * 1_000_003 + key) % 2**63)
            cropped: Tensor = self.transform(photo)
        return cropped


class EndlessPhotos(IterableDataset[Tensor]):
    """Crops of the photos without end: a new random order every epoch, from place ``start`` on.

    Photos that can't be decoded are skipped; ``on_skip`` is told the first time. Over ``workers``
    the places are dealt in turn, so that the order stays that of one worker.
    """

    def __init__(
        self,
        photos: datasets.Dataset | datasets.IterableDataset,
        crop: CropAndFlip,
        batch_size: int,
        seed: int,
        start: int = 0,
        shuffle_buffer: int = 1000,
        on_skip: Callable[[str], None] = print,
    ) -> None:
        self.photos, self.crop, self.batch_size = photos, crop, batch_size
        self.seed, self.start, self.on_skip = seed, start, on_skip
        self.shuffle_buffer = shuffle_buffer
        self.skipped: set[str] = set()

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        number, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        for place, record in self._records():
            # batch b from the start is worker b % workers' work: the loader collects in turn
            batch = (place - self.start) // self.batch_size
            if place < self.start or batch % workers != number:
                continue
            yield self._crop(record, place)

    def _records(self) -> Iterator[tuple[int, Record]]:
        place = 0
        for epoch in range(1 << 30):
            if isinstance(self.photos, datasets.IterableDataset):
                column = next(iter(self.photos.features or {"image": None}))
                stream = self.photos.shuffle(self.seed + epoch, buffer_size=self.shuffle_buffer)
                before = place
                for row in stream:
                    yield place, row[column]
                    place += 1
                if place == before:
                    raise InputError("no photo is left to train on: lower data.val_photos")
                continue
            count, column = len(self.photos), self.photos.column_names[0]
            if place + count <= self.start:  # a whole epoch that was already seen
                place += count
                continue
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
            for index in torch.randperm(count, generator=generator).tolist():
                yield place, self.photos[index][column]
                place += 1

    def _crop(self, record: Record, place: int) -> Tensor:
        """The crop for this place, from another photo where this one can't be decoded."""
        replacement = torch.Generator().manual_seed(self.seed * 1_000_003 + place)
        for attempt in range(100):
            try:
                return self.crop(decode(record), place)
            except InputError as error:
                if (name := name_of(record)) not in self.skipped:
                    self.skipped.add(name)
                    self.on_skip(f"skipped {len(self.skipped)}: {error}")
            if isinstance(self.photos, datasets.IterableDataset):
                record = next(iter(self.photos.shuffle(place + attempt, buffer_size=64)))
                record = record[next(iter(record))]
            else:
                index = int(torch.randint(len(self.photos), (1,), generator=replacement))
                record = self.photos[index][self.photos.column_names[0]]
        raise InputError("100 photos in a row can't be decoded: is this a folder of photos?")


class HeldOutPhotos(Dataset[Tensor]):
    """Center crops of a few photos, decoded once and kept."""

    def __init__(self, records: list[Record], size: int) -> None:
        crop = v2.Compose(
            [
                v2.Resize(size, antialias=True),
                v2.CenterCrop(size),
                v2.ToDtype(torch.float32, scale=True),
            ]
        )
        self.crops = []
        for record in records:
            try:
                self.crops.append(crop(decode(record)))
            except InputError:
                continue  # training names it if it is among its photos
        if not self.crops:
            raise InputError("none of the validation photos can be decoded")

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, index: int) -> Tensor:
        crop: Tensor = self.crops[index]
        return crop


class PhotoDataModule(lightning.LightningDataModule):
    """Training crops without end, and a few held-out photos for validation.

    Args:
        source: ``"folder"``, ``"hub"``, ``"sample"``, or ``"auto"``: the folder, if the assets have
            it, else COCO from the hub; says which.
        path: the folder, or the hub's name of the data set.
        size: side of the square crops, in pixels.
        batch_size: photos a step.
        val_path: a folder of validation photos; without one ``val_photos`` are held out.
        val_photos: how many photos to validate on.
        min_scale: the smallest share of a photo's area that a crop shows.
        num_workers: processes that decode ahead; 0 decodes in the training process.
        seed: of order, crops and flips.
        split: of a hub data set.
        streaming: of a hub data set.
        column: of a hub data set.

    Raises:
        InputError: an unknown source, no photos, a size or batch below 1.
    """

    def __init__(
        self,
        source: str,
        path: str | None = None,
        size: int = 256,
        batch_size: int = 4,
        val_path: str | None = None,
        val_photos: int = 16,
        min_scale: float = 0.5,
        num_workers: int = 0,
        seed: int = 0,
        split: str = "train",
        streaming: bool = True,
        column: str = "image",
    ) -> None:
        super().__init__()
        if source not in SOURCES:
            raise InputError(f"data.source must be one of {', '.join(SOURCES)}, not {source!r}")
        if source != "sample" and not path:
            raise InputError("name the photos to train on: data=folder data.path=FOLDER")
        if size < 16 or batch_size < 1 or val_photos < 1:
            raise InputError("data.size must be at least 16, data.batch_size and val_photos 1")
        if not 0 < min_scale <= 1:
            raise InputError(f"data.min_scale must be above 0 and at most 1, not {min_scale}")
        self.source, self.path, self.size, self.batch_size = source, path, size, batch_size
        self.val_path, self.val_photos, self.num_workers = val_path, val_photos, num_workers
        self.crop = CropAndFlip(size, min_scale, seed)
        self.seed, self.split, self.streaming, self.column = seed, split, streaming, column
        self.start = 0
        self.train: EndlessPhotos | None = None
        self.val: HeldOutPhotos | None = None

    def setup(self, stage: str | None = None) -> None:
        """Opens the photos and sets the validation photos apart; once."""
        if self.train is not None:
            return
        photos: datasets.Dataset | datasets.IterableDataset
        if self.source == "auto":
            self._choose()
        if self.source == "folder":
            photos = open_folder(str(self.path))
        elif self.source == "sample":
            photos = open_sample()
        else:
            photos = open_hub(str(self.path), self.split, self.streaming, self.column)
        if self.val_path:
            held_out = open_folder(self.val_path)
            records = [held_out[i]["image"] for i in range(min(self.val_photos, len(held_out)))]
        elif isinstance(photos, datasets.IterableDataset):
            records = [next(iter(row.values())) for row in photos.take(self.val_photos)]
            photos = photos.skip(self.val_photos)
        else:
            records, photos = self._hold_out(photos)
        self.val = HeldOutPhotos(records, self.size)
        self.train = EndlessPhotos(photos, self.crop, self.batch_size, self.seed)

    def _choose(self) -> None:
        try:
            assets.find("photos", str(self.path))
            self.source = "folder"
        except AssetError:
            self.source, self.path = "hub", COCO
        print(f"photos: {self.source} {self.path}", flush=True)

    def _hold_out(self, photos: datasets.Dataset) -> tuple[list[Record], datasets.Dataset]:
        """At most a fifth of the photos, spread over all; of very few, none is set apart."""
        column = photos.column_names[0]
        count = min(self.val_photos, len(photos) // 5)
        if count == 0:
            chosen = range(min(self.val_photos, len(photos)))
            return [photos[i][column] for i in chosen], photos
        chosen_set = {i * len(photos) // count for i in range(count)}
        rest = [i for i in range(len(photos)) if i not in chosen_set]
        return [photos[i][column] for i in sorted(chosen_set)], photos.select(rest)

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches ``(batch_size, 3, size, size)`` from the place where the run stands."""
        if self.train is None:
            raise RuntimeError("setup() comes before train_dataloader()")
        if self.trainer is not None:
            self.start = self.trainer.global_step * self.batch_size
        self.train.start = self.start
        streamed = isinstance(self.train.photos, datasets.IterableDataset)
        # a stream would hand each worker its own shards, and the order would depend on how many
        workers = 0 if streamed else self.num_workers
        return DataLoader(self.train, self.batch_size, num_workers=workers, drop_last=True)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """The held-out photos, in batches."""
        if self.val is None:
            raise RuntimeError("setup() comes before val_dataloader()")
        return DataLoader(self.val, self.batch_size)

    def describe(self) -> dict[str, Any]:
        """What was trained on, as plain values for a checkpoint."""
        name = Path(self.path).name if self.source == "folder" and self.path else self.path
        count = None
        if self.train is not None and isinstance(self.train.photos, datasets.Dataset):
            count = len(self.train.photos)
        about = {"source": self.source, "name": name, "photos": count, "split": self.split}
        return {**about, "size": self.size, "batch_size": self.batch_size}
