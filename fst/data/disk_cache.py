"""Photos made small once: on disk, so that later runs and epochs are cheap, or decoded on a device.

A cache on disk is a folder of shards that ``datasets`` maps into memory. It is filled before the
training starts, in parallel, by one process at a time; a fill that was interrupted goes on after
the last whole shard.
"""

import hashlib
import io
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import track
from torchvision.transforms.v2 import functional as F

from fst.data.photo_stream import unbroken
from fst.data.sources import Record, as_path, as_text, decode, name_of, shrink
from fst.errors import InputError
from fst.system.files import atomic_file, check_writable

SHARD = 1000
"""Photos in a shard."""

STATE = "state.json"
"""In a cache: what was read, the shards, and which photos can't be decoded."""

QUALITY = 95
"""Of the JPEGs in a cache, without chroma subsampling."""

JPEG_SIDE = 65_500
"""The longest side that a JPEG can have, in pixels."""


def crop_side(size: int, min_scale: float) -> int:
    """The short side, in pixels, that a 4:3 photo needs for crops of ``size`` pixels.

    Its smallest square crop shows ``min_scale`` of its area and is not enlarged then; where that
    would take more than one and a half times ``size``, it is.
    """
    return round(size * max(1.0, min(1.5, math.sqrt(0.75 / min_scale))))


def cached_photos(
    photos: datasets.Dataset | datasets.IterableDataset,
    folder: Path,
    about: dict[str, Any],
    side: int,
    on_skip: Callable[[str], None] = print,
) -> datasets.Dataset:
    """The photos with a short side of at most ``side`` pixels, from the cache, filled if need be.

    Photos that can't be decoded are left out; ``on_skip`` is told each.

    Args:
        photos: one column of undecoded photos.
        folder: of all caches; this one gets a subfolder.
        about: what tells these photos from others, as plain values.
        side: in pixels.
        on_skip: told of every broken photo.

    Raises:
        InputError: the folder can't be written to, or no photo can be decoded.
    """
    key = hashlib.sha256(json.dumps({**about, "side": side}, sort_keys=True).encode()).hexdigest()
    target = folder / key[:16]
    state = _read_state(target)
    if not state["complete"]:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"can't make the cache {target}: {error.strerror}") from error
        check_writable(target)
        with only_one(target):
            state = _read_state(target)  # another process may have filled it in the meantime
            if not state["complete"]:
                _fill(photos, target, state, side, on_skip)
    elif state["skipped"]:
        on_skip(f"left out {len(state['skipped'])} broken photos: {target / STATE} names them")
    if not state["shards"]:
        raise InputError("none of the photos can be decoded: are these photos?")
    try:
        shards = [datasets.load_from_disk(target / name) for name in state["shards"]]
        return datasets.concatenate_datasets(shards)
    except (OSError, ValueError) as error:
        raise InputError(f"the cache {target} is damaged ({error}): delete it") from error


def identity(
    about: dict[str, Any], photos: datasets.Dataset | datasets.IterableDataset
) -> dict[str, Any]:
    """What a cache is known by: what is said of the photos; of files, names, sizes and dates.

    Args:
        about: plain values; a ``"path"`` among them may be a folder, and all in it counts.
        photos: one column of undecoded photos.
    """
    files: list[Path] = []
    if "path" in about:
        files = sorted(file for file in Path(str(about["path"])).rglob("*") if file.is_file())
    elif isinstance(photos, datasets.Dataset):
        files = [Path(as_path(row["image"]["path"])) for row in photos]
    digest = hashlib.sha256()
    for file in files:
        found = file.stat()
        digest.update(
            f"{file.resolve()} {found.st_size} {found.st_mtime_ns}\n".encode(
                errors="surrogateescape"
            )
        )
    return {**about, "files": digest.hexdigest()}


@contextmanager
def only_one(target: Path) -> Iterator[None]:
    """Lets one process fill a cache and the others wait; a killed one's lock goes with it."""
    lock = FileLock(target / ".lock")
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that fills {target}", flush=True)
        held = lock.acquire()
    with held:
        yield


@contextmanager
def _room_for(target: Path) -> Iterator[None]:
    """Says in a line that a disk is full, or that it fails: what is cached by then stays."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(
            f"can't fill the cache {target}: {reason}; make room and start again (what is cached "
            "is kept), or train without data.cache"
        ) from error


def _fill(
    photos: datasets.Dataset | datasets.IterableDataset,
    target: Path,
    state: dict[str, Any],
    side: int,
    on_skip: Callable[[str], None],
) -> None:
    """Writes the missing shards; ``state.json`` is renewed after each, and so never ahead."""
    listed = isinstance(photos, datasets.Dataset)
    rest: Any = photos
    if listed:
        rest = photos.select(range(state["read"], len(photos)))
    elif state["stream"] is not None:
        photos.load_state_dict(state["stream"])
    column = next(iter(photos.features or {"image": None}))
    rows = shown(unbroken(rest), f"caching photos in {target}", len(rest) if listed else None)

    def small(record: Record) -> Record | str:
        try:
            pixels = shrink(decode(record, side), side)
        except InputError as error:
            return str(error)
        buffer, picture = io.BytesIO(), F.to_pil_image(pixels)
        if max(picture.size) <= JPEG_SIDE:
            picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
        else:
            picture.save(buffer, "PNG")
        return {"bytes": buffer.getvalue(), "path": as_text(name_of(record))}

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for records in chunks((row[column] for row in rows), SHARD):
            results = list(pool.map(small, records))
            for message in (result for result in results if isinstance(result, str)):
                state["skipped"].append(message)
                on_skip(f"skipped {len(state['skipped'])}: {message}")
            good = [result for result in results if not isinstance(result, str)]
            state["read"] += len(records)
            state["stream"] = None if listed else photos.state_dict()
            with _room_for(target):
                if good:
                    state["shards"].append(_write_shard(target, len(state["shards"]), good))
                _write_state(target, state)
    state["complete"] = True
    with _room_for(target):
        _write_state(target, state)


def shown(rows: Iterable[Any], title: str, total: int | None) -> Iterable[Any]:
    """The rows, with a progress bar where one can be drawn, else with a line."""
    if Console().is_interactive:
        return track(rows, title, total=total, transient=True)
    print(title, flush=True)
    return rows


def chunks(records: Iterable[Record], size: int) -> Iterator[list[Record]]:
    """``records`` in lists of ``size``; the last may be shorter."""
    iterator = iter(records)
    while chunk := list(islice(iterator, size)):
        yield chunk


def _write_shard(target: Path, number: int, records: list[Record]) -> str:
    """One folder that ``datasets`` can map; a half-written one of a killed run is replaced."""
    name = f"photos-{number:05d}"
    temporary = target / f"{name}.tmp"
    for old in (temporary, target / name):
        shutil.rmtree(old, ignore_errors=True)
    # not datasets.Image: that would read the large photo again where its path is there
    record = {"bytes": datasets.Value("binary"), "path": datasets.Value("string")}
    features = datasets.Features({"image": record})
    with _no_progress_bars():  # there is one of ours
        datasets.Dataset.from_dict({"image": records}, features=features).save_to_disk(temporary)
    temporary.rename(target / name)
    return name


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    shown = not datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def _read_state(target: Path) -> dict[str, Any]:
    """How far a cache is filled."""
    file = target / STATE
    known: Any = {}
    try:
        known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except (OSError, ValueError) as error:
        raise InputError(f"the cache {target} is damaged ({error}): delete it") from error
    if not isinstance(known, dict):
        raise InputError(f"the cache {target} is damaged ({STATE} holds no state): delete it")
    return {"read": 0, "stream": None, "shards": [], "skipped": [], "complete": False, **known}


def _write_state(target: Path, state: dict[str, Any]) -> None:
    with atomic_file(target / STATE) as temporary:
        temporary.write_text(json.dumps(state))
