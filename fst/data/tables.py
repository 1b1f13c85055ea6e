"""Photos in tables, some rows at a time: Parquet files, and data sets of the Hugging Face hub.

Read as a stream: a table may be larger than the memory, and than the disk. The other columns come
along as they are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets

from fst.data.sources import quiet_hub
from fst.errors import AssetError, InputError

COLUMNS = ("image", "bytes")
"""Where photos are looked for: the hub's usual name, and that of bytes alone."""


@dataclass(frozen=True)
class Table:
    """A table of photos, in shards that can be read one by one.

    Attributes:
        name: for messages.
        column: that holds the photos: bytes, or ``{"bytes", "path"}``.
        rows: how many there are; None where that is not known without reading.
        data: a stream of ``datasets``, undecoded.
    """

    name: str
    column: str
    rows: int | None
    data: Any

    @property
    def shards(self) -> int:
        """How many there are: the files of a data set."""
        return max(1, int(self.data.num_shards))

    def read(self, shard: int, rows: int) -> Iterator[Any]:
        """The rows of one shard as tables of pyarrow's, so many at a time; the last has fewer.

        Raises:
            InputError: it can't be read.
        """
        data = self.data if self.shards == 1 else self.data.shard(self.shards, shard)
        try:
            with quiet_hub():
                yield from data.with_format("arrow").iter(batch_size=rows)
        except Exception as error:  # every file system and format has errors of its own
            raise InputError(f"{self.name} can't be read on: {_first_line(error)}") from error


def open_parquet(path: Path) -> Table:
    """A Parquet file.

    Raises:
        InputError: it is none, or has no column of photos.
    """
    from pyarrow import parquet

    try:
        rows = parquet.read_metadata(path).num_rows
    except Exception as error:
        raise InputError(f"{path} is no Parquet file: {_first_line(error)}") from error
    return _table(str(path), rows, "parquet", data_files=[str(path)], split="train")


def open_data_set(name: str) -> Table:
    """A data set of the Hugging Face hub, or a local one in the same format.

    Args:
        name: ``owner/name`` on the hub, or a folder; the split ``train``, or ``owner/name:split``.

    Raises:
        AssetError: no such data set, or no network.
        InputError: it has no column of photos.
    """
    name, _, split = name.partition(":")
    return _table(name, None, name, split=split or "train")


def _table(name: str, rows: int | None, *words: str, **how: Any) -> Table:
    try:
        with quiet_hub():
            data = datasets.load_dataset(*words, streaming=True, **how)
    except Exception as error:  # every file system and network library has errors of its own
        raise AssetError(f"no data set {name!r}: {_first_line(error)}") from error
    features = data.features or {}
    for column in COLUMNS:
        feature = features.get(column)
        if isinstance(feature, datasets.Image):
            return Table(name, column, rows, data.cast_column(column, datasets.Image(decode=False)))
        kind = getattr(feature, "dtype", "")
        if kind in ("binary", "large_binary") or "bytes" in getattr(feature, "keys", list)():
            return Table(name, column, rows, data)
    there = ", ".join(f"{column} ({features[column]})" for column in features) or "none"
    raise InputError(f"no column {' or '.join(COLUMNS)} of photos in {name}: there are {there}")


def _first_line(error: Exception) -> str:
    return " ".join(next(iter(str(error).splitlines()), "").split())[:160] or type(error).__name__
