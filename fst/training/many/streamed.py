"""Paintings of a data set, on the hub or in its format: streamed once, and kept as files."""

import hashlib
import itertools
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pooch

from fst.data.disk_cache import identity, only_one, shown
from fst.data.sources import Record, as_path, open_hub
from fst.errors import AssetError, InputError, in_a_line
from fst.system.files import atomic_file, check_writable, write_json

INSTEAD = "give a folder of paintings (paintings.source=folder paintings.path=FOLDER)"


def streamed_files(
    path: str, split: str, column: str, limit: int | None, cache: Path | None
) -> list[tuple[str, Path]]:
    """Name and file of every picture of a data set, in its order.

    It is read once, one picture after the other; later runs need neither it nor the network.

    Args:
        path: its name on the Hugging Face hub, or a folder of parquet files.
        split: of it.
        column: that holds the pictures.
        limit: so many are taken, the first ones; None takes all.
        cache: the folder in which the pictures are kept, each under its SHA-256.

    Raises:
        AssetError: the data set can't be had, or broke off.
        InputError: no such column, or the folder can't be written to.
    """
    folder = Path(pooch.os_cache("fst")) / "streamed" if cache is None else cache.expanduser()
    about = {"path": path, "split": split, "column": column, "limit": limit}
    known_by = identity(about, datasets.Dataset.from_dict({}))
    digest = hashlib.sha256(json.dumps(known_by, sort_keys=True).encode()).hexdigest()
    listing = folder / f"paintings-{digest[:16]}.json"
    if (known := _listed(listing)) is not None:
        return known
    data = open_hub(path, split, True, column, "paintings", INSTEAD)
    with _room_for(folder):
        folder.mkdir(parents=True, exist_ok=True)
        check_writable(folder)
    with only_one(folder):
        if (known := _listed(listing)) is not None:  # another process was quicker
            return known
        names: list[tuple[str, str]] = []
        rows = itertools.islice(_unbroken(data, column, path), limit)
        for record, content in shown(rows, f"keeping paintings of {path} in {folder}", limit):
            name = in_a_line(Path(str(record.get("path") or len(names))).stem)
            sha256 = hashlib.sha256(content).hexdigest()
            if not (folder / sha256).exists():
                with _room_for(folder), atomic_file(folder / sha256) as temporary:
                    temporary.write_bytes(content)
            names.append((name, sha256))
        with _room_for(folder):
            write_json(listing, {"paintings": names})
    return [(name, folder / sha256) for name, sha256 in names]


def _listed(listing: Path) -> list[tuple[str, Path]] | None:
    """What was kept before, if all of it is still there."""
    try:
        names = json.loads(listing.read_text(encoding="utf-8"))["paintings"]
        found = [(str(name), listing.parent / str(sha256)) for name, sha256 in names]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if all(file.is_file() for _, file in found) else None


def _unbroken(data: Any, column: str, path: str) -> Iterator[tuple[Record, bytes]]:
    """The records of a data set, each with the bytes of its file.

    Raises:
        AssetError: it breaks off; one line.
    """
    try:
        for row in data:
            record: Record = row[column] or {}
            yield record, _content(record)
    except Exception as error:  # every file system and network library has errors of its own
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise AssetError(
            f"the data set of paintings {path!r} broke off ({reason[:120]}): start again, or "
            f"{INSTEAD}"
        ) from error


def _content(record: Record) -> bytes:
    """The bytes of a picture's file; none where there is no such file."""
    if record.get("bytes"):
        return bytes(record["bytes"])
    path = str(record.get("path") or os.devnull)
    try:
        if "://" in path:  # a folder of pictures on the hub, whose rows have no bytes
            with fsspec.open(path, "rb") as file:
                return bytes(file.read())
        return Path(as_path(path)).read_bytes()
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        return b""


@contextmanager
def _room_for(folder: Path) -> Iterator[None]:
    """Says in a line that a disk is full, or that it fails."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"can't keep paintings in {folder}: {error.strerror or error}; make room, or give "
            "another folder (paintings.cache=FOLDER)"
        ) from error
