"""Opens content photos: a folder, a data set of the Hugging Face hub, or the samples at hand.

Whatever the source, what comes back is a ``datasets`` data set with one column of undecoded photos.
"""

import hashlib
import importlib.resources
import io
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
from torch import Tensor
from torchvision.transforms import v2

from fst import assets
from fst.errors import AssetError, InputError
from fst.image.io import load_pixels

SAMPLE_PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "motorcycle_left.png")
"""Color photos that come with scikit-image."""

COCO = "detection-datasets/coco"
"""COCO 2017 on the Hugging Face hub."""

Record = dict[str, Any]
"""A photo: ``{"path": str | None, "bytes": bytes | None}``, undecoded; with ``"pixels"``,
``(3, H, W)`` uint8, decoded."""


def open_folder(path: str) -> datasets.Dataset:
    """Every photo below a folder; several links to one file are one photo.

    Raises:
        AssetError: no such folder.
        InputError: no photo in it.
    """
    folder = Path(path)
    if not folder.exists():
        try:
            folder = assets.find("photos", path)
        except AssetError as error:
            *given, _ = assets.search_path("photos")
            places = f"neither here nor in {given[0]}" if given else "and FST_ASSETS is not set"
            raise AssetError(f"no folder {path!r}, {places}") from error
    if folder.is_file():
        raise InputError(
            f"no folder {path!r}, but a file: photos to train on are given as a folder"
        )
    files = [as_text(str(file)) for file in _once(assets.list_images(folder))]
    return datasets.Dataset.from_dict({"image": files}).cast_column(
        "image", datasets.Image(decode=False)
    )


def _once(files: Iterable[Path]) -> list[Path]:
    """The files without links to one that comes before: else a photo is in a training twice."""
    found: dict[Any, Path] = {}
    for file in files:
        about = file.stat()
        # some file systems number no files
        found.setdefault((about.st_dev, about.st_ino) if about.st_ino else file, file)
    return list(found.values())


def open_sample(path: str | None = None) -> datasets.Dataset:
    """The few photos that come with the installed scikit-image: enough to see that all works.

    Raises:
        AssetError: scikit-image is not installed, or without them.
    """
    try:
        folder = Path(str(importlib.resources.files("skimage"))) / "data"
    except ModuleNotFoundError as error:
        raise AssetError("data=sample needs scikit-image: pip install scikit-image") from error
    files = [as_text(str(folder / name)) for name in SAMPLE_PHOTOS if (folder / name).exists()]
    if not files:
        raise AssetError(f"the installed scikit-image has no photos in {folder}")
    return datasets.Dataset.from_dict({"image": files}).cast_column(
        "image", datasets.Image(decode=False)
    )


INSTEAD = (
    "train on a folder of your own (data=folder data.path=FOLDER) or on the five photos of "
    "data=sample"
)
"""What to do where a data set can't be had."""


def open_hub(
    name: str,
    split: str = "train",
    streaming: bool = True,
    column: str = "image",
    settings: str = "data",
    instead: str = INSTEAD,
) -> datasets.Dataset | datasets.IterableDataset:
    """A data set of the Hugging Face hub, or a local one in the same format.

    Args:
        name: ``owner/name`` on the hub, or a folder of parquet files.
        split: of the data set.
        streaming: read while training instead of downloading all of it first.
        column: that holds the photos.
        settings: the group of settings that these are of, for messages.
        instead: what to do where the data set can't be had, for messages.

    Raises:
        AssetError: no such data set, or no network.
        InputError: no such column.
    """
    try:
        with quiet_hub():
            data = datasets.load_dataset(name, split=split, streaming=streaming)
    except Exception as error:  # every file system and network library has errors of its own
        reason = " ".join(next(iter(str(error).splitlines()), "").split())
        raise AssetError(
            f"no data set {name!r} ({reason[:120] or type(error).__name__}): {instead}"
        ) from error
    names = list(data.features or {})
    if column not in names:
        there = (
            f"give {settings}.column one of {', '.join(names)}" if names else "it has none at all"
        )
        raise InputError(f"no column {column!r} in {name!r}: {there}")
    feature = (data.features or {}).get(column)
    if not (isinstance(feature, datasets.Image) or "bytes" in getattr(feature, "keys", list)()):
        raise InputError(f"the column {column!r} of {name!r} holds no photos, but {feature}")
    return data.select_columns([column]).cast_column(column, datasets.Image(decode=False))


@contextmanager
def quiet_hub() -> Iterator[None]:
    """Keeps the hub's client from telling each of its attempts: what comes of them is said once."""
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def decode(record: Record | None, at_least: int | None = None) -> Tensor:
    """A record as ``(3, H, W)`` uint8, upright RGB; pixels that were decoded before are returned.

    Args:
        record: path, bytes, or pixels.
        at_least: JPEGs may come at 1/2, 1/4 or 1/8 of their size, but with no side shorter than
            this, in pixels: twice to ten times quicker for photos from a camera.

    Raises:
        InputError: it can't be decoded; one line that names it.
    """
    if record and isinstance(record.get("pixels"), Tensor):
        pixels: Tensor = record["pixels"]
        return pixels
    if not record or not (record.get("bytes") or record.get("path")):
        raise InputError(f"{name_of(record or {})} is empty")
    source = io.BytesIO(record["bytes"]) if record.get("bytes") else as_path(record["path"])
    return load_pixels(source, name_of(record), at_least)


def shrink(pixels: Tensor, short_side: int) -> Tensor:
    """``(3, H, W)`` uint8, made smaller where its short side is longer than that."""
    height, width = pixels.shape[1:]
    if min(height, width) <= short_side:
        return pixels
    smaller: Tensor = v2.functional.resize(pixels, [short_side], antialias=True)
    return smaller


PRIVATE = 0x100000
"""Where Unicode has room for private use: a byte that is no UTF-8 goes to U+10DC80 to U+10DCFF."""


def as_text(path: str) -> str:
    """A path as ``datasets`` takes it: with other characters for bytes that are not UTF-8."""
    return re.sub("[\udc80-\udcff]", lambda byte: chr(PRIVATE + ord(byte[0])), path)


def as_path(text: str) -> str:
    """The path that :func:`as_text` was given."""
    private = f"[{chr(PRIVATE + 0xDC80)}-{chr(PRIVATE + 0xDCFF)}]"
    return re.sub(private, lambda byte: chr(ord(byte[0]) - PRIVATE), text)


def name_of(record: Record) -> str:
    """What to call a record in a message: its path, or a digest that finds its bytes again."""
    if path := record.get("path"):
        return as_path(str(path))
    if content := record.get("bytes"):
        return f"the photo with SHA-256 {hashlib.sha256(content).hexdigest()[:12]}"
    return "a photo without a name"


def named(names: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
