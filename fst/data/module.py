"""Content photos to train on, as a Lightning DataModule over Hugging Face ``datasets``."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import datasets
import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from fst import assets
from fst.data.crops import CropAndFlip
from fst.data.device_cache import decoded_photos
from fst.data.disk_cache import cached_photos, crop_side
from fst.data.held_out import HeldOutPhotos
from fst.data.loader import EndlessCrops
from fst.data.photo_list import PhotoList
from fst.data.photo_stream import PhotoStream
from fst.data.sources import COCO, Record, open_folder, open_hub, open_sample
from fst.errors import AssetError, InputError

SOURCES = ("auto", "folder", "hub", "sample")


class PhotoDataModule(lightning.LightningDataModule):
    """Training crops without end, and a few held-out photos for validation.

    Args:
        source: ``"folder"``, ``"hub"``, ``"sample"``, or ``"auto"``: the folder, if the assets have
            it, else COCO from the hub; says which.
        path: the folder, or the hub's name of the data set.
        size: side of the square crops, in pixels.
        batch_size: photos a step, of all devices together.
        val_path: a folder of validation photos; without one ``val_photos`` are held out.
        val_photos: how many photos to validate on.
        max_photos: use only the first so many; None uses all.
        min_scale: the smallest share of a photo's area that a crop shows.
        num_workers: threads that decode ahead; 0 decodes when a step asks for its photos.
        cache: a folder that keeps the photos pre-shrunk, for later epochs and runs.
        device_cache: ``True`` keeps all photos decoded on the training device and crops there;
            ``"auto"`` does so on a GPU where they fit into half of its free memory.
        shuffle_buffer: how many photos of a stream are shuffled together.
        seed: of order, crops and flips.
        split: of a hub data set.
        streaming: of a hub data set.
        column: of a hub data set.
        sizes: sides that the steps take in turn instead; validation stays at ``size``.

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
        max_photos: int | None = None,
        min_scale: float = 0.5,
        num_workers: int = 0,
        cache: str | None = None,
        device_cache: bool | str = "auto",
        shuffle_buffer: int = 1000,
        seed: int = 0,
        split: str = "train",
        streaming: bool = True,
        column: str = "image",
        sizes: Sequence[int] | None = None,
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
        if num_workers < 0 or shuffle_buffer < 1 or (max_photos is not None and max_photos < 1):
            raise InputError("data.num_workers must be at least 0, shuffle_buffer and max_photos 1")
        if device_cache not in (True, False, "auto"):
            raise InputError(f"data.device_cache must be auto, true or false, not {device_cache!r}")
        self.source, self.path, self.size, self.batch_size = source, path, size, batch_size
        self.val_path, self.val_photos, self.max_photos = val_path, val_photos, max_photos
        self.num_workers, self.cache, self.device_cache = num_workers, cache, device_cache
        self.sizes = list(sizes) if sizes else [size]
        if not all(isinstance(side, int) and side >= 16 for side in self.sizes):
            raise InputError(f"data.sizes must be sides of at least 16 pixels, not {self.sizes}")
        self.crop = CropAndFlip(self.sizes, min_scale, seed, batch_size)
        self.side = crop_side(max(self.sizes), min_scale)
        self.seed, self.split, self.streaming, self.column = seed, split, streaming, column
        self.shuffle_buffer = shuffle_buffer
        self.train: EndlessCrops | None = None
        self.val: HeldOutPhotos | None = None

    def setup(self, stage: str | None = None) -> None:
        """Opens the photos and sets the validation photos apart; once."""
        if self.train is not None:
            return
        photos = self._open()
        if self.max_photos is not None and isinstance(photos, datasets.IterableDataset):
            photos = photos.take(self.max_photos)
        elif self.max_photos is not None:
            photos = photos.select(range(min(self.max_photos, len(photos))))
        if self.cache is not None:
            folder = Path(self.cache).expanduser()
            photos = cached_photos(photos, folder, self._identity(photos), self.side)
        records: list[Record] = []
        if self.val_path:
            others = open_folder(self.val_path)
            records = [others[i]["image"] for i in range(min(self.val_photos, len(others)))]
        source: PhotoList | PhotoStream
        if isinstance(photos, datasets.IterableDataset):
            held_out = 0 if self.val_path else self.val_photos
            # of several shards each would give its part of max_photos
            shards = None if self.max_photos is None else 1
            source = PhotoStream(photos, self.seed, self.shuffle_buffer, held_out, shards)
            records = records or source.held_out_records()
        else:
            if not self.val_path:
                records, photos = self._hold_out(photos)
            source = PhotoList(photos, self.seed)
        self.val = HeldOutPhotos(records, self.size)
        self.train = EndlessCrops(source, self.crop, self.batch_size, self.num_workers)
        self.train.skipped |= self.val.skipped  # which are named

    def _open(self) -> datasets.Dataset | datasets.IterableDataset:
        if self.source == "auto":
            self._choose()
        if self.source == "folder":
            return open_folder(str(self.path))
        if self.source == "sample":
            return open_sample()
        return open_hub(str(self.path), self.split, self.streaming, self.column)

    def _choose(self) -> None:
        try:
            assets.find("photos", str(self.path))
            self.source = "folder"
        except AssetError:
            self.source, self.path = "hub", COCO
        print(f"photos: {self.source} {self.path}", flush=True)

    def _identity(self, photos: datasets.Dataset | datasets.IterableDataset) -> dict[str, Any]:
        """What a cache is known by: of files, their names, sizes and dates."""
        about = {"source": self.source, "max": self.max_photos}
        files = []
        if self.source == "hub":
            about |= {"path": self.path, "split": self.split, "column": self.column}
            files = sorted(f for f in Path(str(self.path)).rglob("*") if f.is_file())
        elif isinstance(photos, datasets.Dataset):
            files = [Path(row["image"]["path"]) for row in photos]
        digest = hashlib.sha256()
        for file in files:
            about_file = file.stat()
            digest.update(
                f"{file.resolve()} {about_file.st_size} {about_file.st_mtime_ns}\n".encode()
            )
        return {**about, "files": digest.hexdigest()}

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
        """Batches ``(batch_size / devices, 3, size, size)`` from where the run stands.

        Raises:
            InputError: the batch can't be dealt evenly to the devices.
        """
        if self.train is None:
            raise RuntimeError("setup() comes before train_dataloader()")
        train, device = self.train, torch.device("cpu")
        if self.trainer is not None:
            train.start = self.trainer.global_step * self.batch_size
            train.rank, train.ranks = self.trainer.global_rank, self.trainer.world_size
            device = self.trainer.strategy.root_device
        if self.batch_size % train.ranks:
            raise InputError(
                f"data.batch_size={self.batch_size} counts the photos of all devices together: "
                f"give a multiple of {train.ranks}"
            )
        if self.device_cache and isinstance(train.source, PhotoList):
            self._decode_all(train.source, device)
        # pinned memory is copied to a GPU while it computes
        encoded = isinstance(train.source, PhotoStream) or isinstance(
            train.source.photos, datasets.Dataset
        )
        pin = device.type == "cuda" and encoded
        share = self.batch_size // train.ranks
        return DataLoader(train, share, drop_last=True, pin_memory=pin)

    def _decode_all(self, source: PhotoList, device: torch.device) -> None:
        """Puts the photos on the device, if that pays and there is room."""
        if not isinstance(source.photos, datasets.Dataset):
            return
        always = self.device_cache != "auto"
        if not always and (device.type != "cuda" or self._places_left() < len(source)):
            return
        decoded = decoded_photos(source.photos, self.side, device, always)
        if decoded is None:
            print("the photos don't fit on the device: they are decoded as they come", flush=True)
        else:
            source.photos = decoded

    def _places_left(self) -> float:
        """How many photos this run still takes."""
        if self.trainer is None or self.trainer.max_steps < 0:
            return float("inf")
        return (self.trainer.max_steps - self.trainer.global_step) * self.batch_size

    def state_dict(self) -> dict[str, Any]:
        """Where a stream stands, for a checkpoint; a list of photos needs nothing."""
        if self.train is None or self.trainer is None:
            return {}
        if not isinstance(self.train.source, PhotoStream):
            return {}
        return self.train.source.state_dict(self.trainer.global_step * self.batch_size)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lets a stream go on where it stood."""
        if state and self.train is not None and isinstance(self.train.source, PhotoStream):
            self.train.source.load_state_dict(state)

    def val_dataloader(self) -> DataLoader[Tensor]:
        """The held-out photos, in batches."""
        if self.val is None:
            raise RuntimeError("setup() comes before val_dataloader()")
        return DataLoader(self.val, self.batch_size)

    def describe(self) -> dict[str, Any]:
        """What was trained on, as plain values for a checkpoint."""
        path = Path(self.path or "")
        local = self.source == "folder" or path.is_absolute() or path.exists()
        name = path.name if local else None
        count = None
        if self.train is not None and isinstance(self.train.source, PhotoList):
            count = len(self.train.source)
        about: dict[str, Any] = {"source": self.source, "name": name or self.path, "photos": count}
        about |= {"split": self.split, "size": self.size, "batch_size": self.batch_size}
        about |= {"min_scale": self.crop.min_scale, "max_photos": self.max_photos}
        about["held_out"] = 0 if self.val_path else self.val_photos
        if self.val_path:
            about["val_path"] = Path(self.val_path).name
        return about if self.sizes == [self.size] else about | {"sizes": self.sizes}
