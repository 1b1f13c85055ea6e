"""Content photos to train on, as a Lightning DataModule over Hugging Face ``datasets``."""

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
from fst.data.disk_cache import cached_photos, crop_side, identity
from fst.data.held_out import PILOT_PHOTOS, HeldOutPhotos, hold_out, pilot_crops
from fst.data.loader import TrainingCrops
from fst.data.photo_list import PhotoList, warn_of_few
from fst.data.photo_stream import PhotoStream
from fst.data.settings import PhotoSettings, check_shares
from fst.data.sources import COCO, open_folder, open_hub, open_sample
from fst.data.split_stream import SplitStream, fitting_parts
from fst.errors import AssetError, InputError


class PhotoDataModule(lightning.LightningDataModule):
    """An infinite dataset of training crops, and a few held-out photos for validation.

    Args:
        settings: the fields of :class:`~fst.data.settings.PhotoSettings`, in order or by name.

    Raises:
        InputError: a setting that is unknown, of the wrong type or outside of its range.
    """

    def __init__(self, *settings: Any, **named: Any) -> None:
        super().__init__()
        try:
            self.settings = PhotoSettings(*settings, **named)
        except TypeError as error:  # a name that is no setting
            raise InputError(
                f"data: {str(error).removeprefix('PhotoSettings.__init__() ')}"
            ) from error
        self.source, self.path = self.settings.source, self.settings.path
        """Where the photos come from; ``setup`` replaces ``"auto"``."""
        self.size, self.batch_size = self.settings.size, self.settings.batch_size
        sides, min_scale = self.settings.sides, self.settings.min_scale
        self.crop = CropAndFlip(sides, min_scale, self.settings.seed, self.batch_size)
        self.side = crop_side(max(sides), min_scale)
        self.train: TrainingCrops | None = None
        self.val: HeldOutPhotos | None = None
        self._parts: int | None = None
        """In how many parts the run that is resumed reads its stream, and where they stand."""
        self._stream_state: dict[str, Any] | None = None

    def setup(self, stage: str | None = None) -> None:
        """Opens the photos and sets the validation photos apart; once."""
        if self.train is not None:
            return
        settings = self.settings
        photos = self._first_photos(self._open())
        if settings.cache is not None:
            folder, about = Path(settings.cache).expanduser(), self._about_files()
            photos = cached_photos(photos, folder, identity(about, photos), self.side)
        if settings.val_path:
            others = open_folder(settings.val_path)
            count = min(settings.val_photos, len(others))
            self.val = HeldOutPhotos((row["image"] for row in others), self.size, count=count)
        source: PhotoList | PhotoStream
        if isinstance(photos, datasets.IterableDataset):
            # of several shards each would give its part of max_photos
            shards = None if settings.max_photos is None else 1
            source = PhotoStream(photos, settings.seed, settings.shuffle_buffer, shards=shards)
            if self.val is None:
                records, count = source.first_records(), settings.val_photos
                self.val = HeldOutPhotos(records, self.size, count=count)
                source.held_out = max(count, self.val.taken[-1] + 1)
        else:
            if self.val is None:
                self.val, photos = hold_out(photos, settings.val_photos, self.size)
            source = PhotoList(photos, settings.seed)
            warn_of_few(photos)
        self.train = TrainingCrops(source, self.crop, self.batch_size, settings.num_workers)
        self.train.skipped |= self.val.skipped  # which are named

    def pilot_crops(self, count: int = PILOT_PHOTOS) -> list[Tensor]:
        """To calibrate on: the held-out photos, and some of the others up to ``count``."""
        if self.train is None or self.val is None or isinstance(self.train.source, SplitStream):
            raise RuntimeError("pilot_crops() comes after setup() and before the first batch")
        return pilot_crops(self.val, self.train.source.first_records(), count)

    def _open(self) -> datasets.Dataset | datasets.IterableDataset:
        if self.source == "sample":
            return open_sample()
        if self.source == "auto":
            return self._open_any()
        if self.source == "folder":
            return open_folder(str(self.path))
        return self._open_hub()

    def _open_any(self) -> datasets.Dataset | datasets.IterableDataset:
        """The folder of that name among the assets, else COCO; says which."""
        try:
            assets.find("photos", str(self.path))
            self.source = "folder"
        except AssetError:
            *given, cache = assets.search_path("photos")
            looked = f"here, in {given[0] if given else 'FST_ASSETS (not set)'} or in {cache}"
            nowhere = f"data=auto found no photos: no folder {self.path!r} {looked}"
            self.source, self.path = "hub", COCO
        print(f"photos: {self.source} {self.path}", flush=True)
        if self.source == "folder":
            return open_folder(str(self.path))
        try:
            return self._open_hub()
        except AssetError as error:
            raise AssetError(f"{nowhere}; {error}") from error

    def _open_hub(self) -> datasets.Dataset | datasets.IterableDataset:
        settings = self.settings
        return open_hub(str(self.path), settings.split, settings.streaming, settings.column)

    def _first_photos(
        self, photos: datasets.Dataset | datasets.IterableDataset
    ) -> datasets.Dataset | datasets.IterableDataset:
        """The first ``max_photos`` of them."""
        count = self.settings.max_photos
        if count is None:
            return photos
        if isinstance(photos, datasets.IterableDataset):
            return photos.take(count)
        return photos.select(range(min(count, len(photos))))

    def _about_files(self) -> dict[str, Any]:
        """What tells the photos of a cache from others, besides the files themselves."""
        about: dict[str, Any] = {"source": self.source, "max": self.settings.max_photos}
        if self.source == "hub":
            about |= {"path": self.path, "split": self.settings.split}
            about |= {"column": self.settings.column}
        return about

    def train_dataloader(self) -> DataLoader[Tensor]:
        """Batches ``(batch_size / devices, 3, size, size)``, from the present step on.

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
        check_shares(self.batch_size, train.ranks)
        if isinstance(train.source, PhotoStream):
            train.source = self._dealt(train.source, train.rank, train.ranks)
        if self.settings.device_cache and isinstance(train.source, PhotoList):
            self._decode_all(train.source, device)
        # pinned memory is copied to a GPU while it computes
        encoded = not isinstance(train.source, PhotoList) or isinstance(
            train.source.photos, datasets.Dataset
        )
        pin = device.type == "cuda" and encoded
        share = self.batch_size // train.ranks
        return DataLoader(train, share, drop_last=True, pin_memory=pin)

    def _dealt(self, stream: PhotoStream, rank: int, ranks: int) -> PhotoStream | SplitStream:
        """The stream in as many parts as the run began with; a new run takes what fits."""
        fitting = fitting_parts(ranks, stream.shards)
        parts = self._parts or fitting
        if self._parts is None and parts < ranks and rank == 0:
            print(
                f"the stream of photos has {stream.shards} piece(s) for {ranks} devices: every "
                f"{ranks // parts} devices download the same ones and train on different photos",
                flush=True,
            )
        if parts != fitting:
            print(
                f"the stream of photos stays in as many parts as the run was begun with: {parts} "
                f"(a new run on as many devices as now: {fitting})",
                flush=True,
            )
        if parts == 1:
            return stream
        split = SplitStream(stream, parts, self.batch_size, rank, ranks)
        if self._stream_state is not None:
            split.load_state_dict(self._stream_state)
            if not split.turns and stream.shards % parts and rank == 0:
                print(
                    f"each of this run's {parts} parts of the stream keeps its own files, as when "
                    "it was begun: photos of parts with fewer files come more often",
                    flush=True,
                )
        return split

    def _decode_all(self, source: PhotoList, device: torch.device) -> None:
        """Puts the photos on the device, if that pays and there is room."""
        if not isinstance(source.photos, datasets.Dataset):
            return
        always = self.settings.device_cache != "auto"
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
        """Where a stream stands, for a checkpoint; a list of photos needs nothing.

        Processes that read parts of a stream tell each other: all of them ask at once.
        """
        if self.train is None or self.trainer is None or isinstance(self.train.source, PhotoList):
            return {}
        return self.train.source.state_dict(self.trainer.global_step * self.batch_size)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the position of a stream, and the number of its parts."""
        if not state or self.train is None or isinstance(self.train.source, PhotoList):
            return
        self._parts = state.get("parts", 1)
        if isinstance(self.train.source, SplitStream) or self._parts == 1:
            self.train.source.load_state_dict(state)
        else:
            self._stream_state = state

    def val_dataloader(self) -> DataLoader[Tensor]:
        """The held-out photos, in batches."""
        if self.val is None:
            raise RuntimeError("setup() comes before val_dataloader()")
        return DataLoader(self.val, self.batch_size)

    def describe(self) -> dict[str, Any]:
        """What was trained on, as plain values for a checkpoint."""
        settings, path = self.settings, Path(self.path or "")
        local = self.source == "folder" or path.is_absolute() or path.exists()
        name = path.name if local else None
        count = None
        if self.train is not None and isinstance(self.train.source, PhotoList):
            count = len(self.train.source)
        about: dict[str, Any] = {"source": self.source, "name": name or self.path, "photos": count}
        about |= {"split": settings.split, "size": self.size, "batch_size": self.batch_size}
        about |= {"min_scale": settings.min_scale, "max_photos": settings.max_photos}
        about["held_out"] = 0 if settings.val_path else settings.val_photos
        if settings.val_path:
            about["val_path"] = Path(settings.val_path).name
        return about if settings.sides == [self.size] else about | {"sizes": settings.sides}
