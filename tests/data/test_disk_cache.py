"""fst.data.disk_cache: photos made small once, kept on disk and read from there."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image
from support import encoded, make_photo, numbers, one_color, write_parquet
from torch import Tensor

from fst.data import disk_cache
from fst.data.disk_cache import cached_photos, crop_side
from fst.data.sources import Record, decode, open_folder, open_hub
from fst.errors import AssetError, InputError

pytestmark = pytest.mark.usefixtures("offline")

ABOUT = {"source": "test"}


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_cache, "SHARD", 4)


def fill(photos: Path | datasets.IterableDataset, cache: Path, **settings: Any) -> datasets.Dataset:
    opened = open_folder(str(photos)) if isinstance(photos, Path) else photos
    return cached_photos(opened, cache, settings.pop("about", ABOUT), **{"side": 64, **settings})


def seen(photos: datasets.Dataset | list[Record]) -> list[int]:
    """Which of the photos of one color they are."""
    records = [row["image"] for row in photos] if isinstance(photos, datasets.Dataset) else photos
    return numbers(torch.stack([decode(record).float() / 255 for record in records]))


def names(photos: datasets.Dataset) -> list[str]:
    return [Path(row["image"]["path"]).name for row in photos]


def count_decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows by a name whenever the cache decodes a photo."""
    decoded: list[str] = []

    def counted(record: Record, at_least: int | None = None) -> Tensor:
        decoded.append(Path(record["path"]).name)
        return decode(record, at_least)

    monkeypatch.setattr(disk_cache, "decode", counted)
    return decoded


# --- what a cache holds --------------------------------------------------------------------------


def test_a_cache_holds_every_photo_in_order(colors: Path, tmp_path: Path) -> None:
    photos = fill(colors, tmp_path / "cache")
    assert isinstance(photos, datasets.Dataset)
    assert photos.column_names == ["image"]
    assert names(photos) == [f"{i:02d}.png" for i in range(10)]
    assert seen(photos) == list(range(10))
    assert seen(photos.select([7, 2])) == [7, 2]


def test_a_filled_cache_needs_the_originals_no_more(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_folder(str(colors))
    first = [row["image"]["bytes"] for row in cached_photos(opened, tmp_path / "c", ABOUT, 64)]
    for file in colors.iterdir():
        file.unlink()
    decoded = count_decoded(monkeypatch)
    again = cached_photos(opened, tmp_path / "c", ABOUT, 64)
    assert [row["image"]["bytes"] for row in again] == first
    assert decoded == []
    assert seen(again) == list(range(10))


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((100, 80), 40, (50, 40)),
        ((80, 100), 40, (40, 50)),
        ((48, 40), 40, (48, 40)),
        ((30, 20), 40, (30, 20)),  # never enlarged
        ((400, 41), 40, (390, 40)),
        ((39, 4000), 40, (39, 4000)),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_the_short_side_is_made_small_and_the_aspect_kept(
    tmp_path: Path, size: tuple[int, int], side: int, expected: tuple[int, int], kind: str
) -> None:
    (tmp_path / "photos").mkdir()
    make_photo(*size).save(tmp_path / "photos" / "a.png", kind)
    (row,) = fill(tmp_path / "photos", tmp_path / "cache", side=side)
    height, width = decode(row["image"]).shape[1:]
    assert min(width, height) == min(expected)
    assert (width, height) == pytest.approx(expected, abs=1)


def test_a_photo_is_made_small_as_pil_does_it(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    photo = make_photo(150, 90)
    photo.save(tmp_path / "photos" / "a.png")
    (row,) = fill(tmp_path / "photos", tmp_path / "cache", side=45)
    expected = np.asarray(photo.resize((75, 45), Image.Resampling.BILINEAR)).astype(int)
    found = decode(row["image"]).permute(1, 2, 0).numpy().astype(int)
    assert np.abs(found - expected).max() <= 10  # the JPEG's
    assert np.abs(found - expected).mean() < 2


def test_a_photo_turned_by_exif_is_upright_in_the_cache(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    make_photo(40, 24).save(tmp_path / "photos" / "a.jpg", exif=exif)
    (row,) = fill(tmp_path / "photos", tmp_path / "cache")
    assert decode(row["image"]).shape == (3, 40, 24)


def test_a_photo_too_long_for_a_jpeg_is_kept_too(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (65_600, 2), (10, 60, 90)).save(tmp_path / "photos" / "long.png")
    (row,) = fill(tmp_path / "photos", tmp_path / "cache")
    assert decode(row["image"]).shape == (3, 2, 65_600)


@pytest.mark.parametrize("shards", [[10], [3, 4, 3]])
def test_a_stream_is_cached_too(tmp_path: Path, shards: list[int]) -> None:
    stream = open_hub(str(write_parquet(tmp_path / "hub", shards)))
    photos = fill(stream, tmp_path / "cache")
    assert isinstance(photos, datasets.Dataset)
    assert seen(photos) == list(range(10))


def test_a_nameless_photo_is_cached_under_a_name_that_finds_it_again(tmp_path: Path) -> None:
    records = [{"path": None, "bytes": encoded(one_color(i))} for i in range(2)]
    features = datasets.Features({"image": datasets.Image(decode=False)})
    photos = datasets.Dataset.from_dict({"image": records}, features=features)
    cached = cached_photos(photos, tmp_path, ABOUT, 64)
    assert len(set(names(cached))) == 2
    assert seen(cached) == [0, 1]


@pytest.mark.parametrize(
    ("min_scale", "expected"), [(1.0, 256), (0.75, 256), (0.5, 314), (0.25, 384), (0.01, 384)]
)
def test_the_side_fits_the_smallest_square_crop(min_scale: float, expected: int) -> None:
    side = crop_side(256, min_scale)
    assert side == expected
    if side < 384:  # a square of that share of a 4:3 photo
        assert (min_scale * side * side * 4 / 3) ** 0.5 >= 256 - 1


# --- which cache it is ---------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"about": {"source": "another"}}, {"side": 63}])
def test_other_photos_or_another_size_have_a_cache_of_their_own(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any]
) -> None:
    fill(colors, tmp_path / "cache")
    decoded = count_decoded(monkeypatch)
    fill(colors, tmp_path / "cache")
    assert decoded == []
    fill(colors, tmp_path / "cache", **other)
    assert len(decoded) == 10
    assert len(list((tmp_path / "cache").iterdir())) == 2


# --- interrupted ---------------------------------------------------------------------------------


def interrupt_at(name: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Ctrl-C when that photo is decoded; what is returned takes it back."""

    def stopped(record: Record, at_least: int | None = None) -> Tensor:
        if Path(record["path"]).name == name:
            raise KeyboardInterrupt
        return decode(record, at_least)

    monkeypatch.setattr(disk_cache, "decode", stopped)
    return lambda: monkeypatch.setattr(disk_cache, "decode", decode)


@pytest.mark.parametrize("kind", ["list", "stream"])
@pytest.mark.parametrize(("stop", "whole"), [(1, 0), (6, 4), (9, 8)])
def test_an_interrupted_fill_goes_on_after_the_last_whole_shard(
    colors: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    stop: int,
    whole: int,
) -> None:
    suffix = "{:02d}.png" if kind == "list" else "{}.png"
    hub = write_parquet(tmp_path / "hub", [3, 5, 2], rows_together=2)

    def photos() -> Path | datasets.IterableDataset:
        return colors if kind == "list" else open_hub(str(hub))

    interrupt_at(suffix.format(stop), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fill(photos(), tmp_path / "cache")
    decoded = count_decoded(monkeypatch)
    assert seen(fill(photos(), tmp_path / "cache")) == list(range(10))
    assert sorted(decoded) == [suffix.format(i) for i in range(whole, 10)]


def test_an_interrupted_fill_counts_the_broken_photos_too(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in (1, 2, 7):
        (colors / f"{i:02d}.png").write_bytes(b"no picture")
    said: list[str] = []
    go_on = interrupt_at("06.png", monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        fill(colors, tmp_path / "cache", on_skip=said.append)
    go_on()
    photos = fill(colors, tmp_path / "cache", on_skip=said.append)
    assert seen(photos) == [0, 3, 4, 5, 6, 8, 9]
    assert [line.split(": ")[0] for line in said] == ["skipped 1", "skipped 2", "skipped 3"]
    assert [name in line for name, line in zip(("01", "02", "07"), said, strict=True)] == [True] * 3


def test_a_shard_that_is_not_in_the_state_is_written_again(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def write_state(target: Path, state: dict[str, Any]) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(target, state)

    real = disk_cache._write_state
    monkeypatch.setattr(disk_cache, "_write_state", write_state)
    with pytest.raises(InputError, match="No space left"):
        fill(colors, tmp_path / "cache")
    assert seen(fill(colors, tmp_path / "cache")) == list(range(10))


KILLED = """
import os, signal, sys
from pathlib import Path
from fst.data import disk_cache as photo_cache
from fst.data.sources import decode, open_folder

def killed(record, at_least=None):
    if record["path"].endswith("06.png"):
        os.kill(os.getpid(), signal.SIGKILL)
    return decode(record, at_least)

photo_cache.SHARD, photo_cache.decode = 4, killed
photo_cache.cached_photos(open_folder(sys.argv[1]), Path(sys.argv[2]), {"source": "test"}, 64)
"""


def test_a_killed_fill_goes_on_and_holds_no_lock(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    process = subprocess.run([sys.executable, "-c", KILLED, str(colors), str(cache)], timeout=100)
    assert process.returncode < 0
    (target,) = cache.iterdir()
    (target / "photos-00001.tmp").mkdir()  # as one that is killed while it writes leaves it
    decoded = count_decoded(monkeypatch)
    assert seen(fill(colors, cache)) == list(range(10))
    assert sorted(decoded) == [f"{i:02d}.png" for i in range(4, 10)]
    assert list(target.glob("*.tmp")) == []


# --- several at a time ---------------------------------------------------------------------------


def test_of_two_at_a_time_one_fills_and_the_other_waits_and_reads(
    colors: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun, told = threading.Event(), threading.Event()
    decoded: list[str] = []
    results: dict[str, list[int]] = {}

    def slow(record: Record, at_least: int | None = None) -> Tensor:
        decoded.append(record["path"])
        begun.set()
        assert told.wait(20)
        return decode(record, at_least)

    def say(*values: object, **options: object) -> None:
        if "waiting" in str(values[0]):
            told.set()

    monkeypatch.setattr(disk_cache, "decode", slow)
    monkeypatch.setattr(disk_cache, "print", say, raising=False)

    def run(name: str) -> None:
        results[name] = seen(fill(colors, tmp_path / "cache"))

    first = threading.Thread(target=run, args=("first",))
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=run, args=("second",))
    second.start()
    first.join(30)
    second.join(30)
    assert results == {"first": list(range(10)), "second": list(range(10))}
    assert len(decoded) == 10


def test_a_full_cache_is_read_without_a_lock_and_without_writing(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(colors, tmp_path / "cache")

    def fail(*arguments: object) -> None:
        raise AssertionError("a full cache may lie where nothing can be written")

    monkeypatch.setattr(disk_cache, "FileLock", fail)
    monkeypatch.setattr(disk_cache, "check_writable", fail)
    monkeypatch.setattr(Path, "mkdir", fail)
    assert seen(fill(colors, tmp_path / "cache")) == list(range(10))


# --- what goes wrong -----------------------------------------------------------------------------


def test_broken_photos_are_left_out_and_named(colors: Path, tmp_path: Path) -> None:
    (colors / "03.png").write_bytes(b"no picture")
    (colors / "08.png").write_bytes(b"")
    said: list[str] = []
    assert seen(fill(colors, tmp_path / "cache", on_skip=said.append)) == [0, 1, 2, 4, 5, 6, 7, 9]
    assert said[0].startswith(f"skipped 1: {colors / '03.png'} is not a picture")
    assert said[1:] == [f"skipped 2: {colors / '08.png'} is empty"]
    said.clear()
    fill(colors, tmp_path / "cache", on_skip=said.append)
    (line,) = said
    assert "left out 2 broken photos" in line
    assert "03.png is not" in Path(line.split(": ")[1].split()[0]).read_text()


def test_a_whole_shard_of_broken_photos_is_left_out(colors: Path, tmp_path: Path) -> None:
    for i in range(8):
        (colors / f"{i:02d}.png").write_bytes(b"no picture")
    assert seen(fill(colors, tmp_path / "cache", on_skip=lambda text: None)) == [8, 9]


def test_photos_that_are_all_broken_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for i in range(5):
        (tmp_path / "photos" / f"{i}.jpg").write_bytes(b"no picture")
    for _ in range(2):  # also when the cache is there
        with pytest.raises(InputError, match="none of the photos can be decoded") as caught:
            fill(tmp_path / "photos", tmp_path / "cache", on_skip=lambda text: None)
        assert "\n" not in str(caught.value)


def test_a_full_disk_is_one_line_and_keeps_what_is_cached(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, cache = disk_cache._write_shard, tmp_path / "cache"

    def full(target: Path, number: int, records: list[Record]) -> str:
        if number == 1:
            raise OSError(28, "No space left on device")
        return write(target, number, records)

    monkeypatch.setattr(disk_cache, "_write_shard", full)
    with pytest.raises(InputError, match=r"No space left on device.*data\.cache") as caught:
        fill(colors, cache)
    assert "\n" not in str(caught.value)
    written: list[int] = []

    def count(target: Path, number: int, records: list[Record]) -> str:
        written.append(number)
        return write(target, number, records)

    monkeypatch.setattr(disk_cache, "_write_shard", count)
    assert seen(fill(colors, cache)) == list(range(10))
    assert written == [1, 2]


@pytest.mark.parametrize("damage", ["", "{", "[]", "null"])
def test_a_cache_whose_state_is_damaged_is_one_line(
    colors: Path, tmp_path: Path, damage: str
) -> None:
    fill(colors, tmp_path / "cache")
    (state,) = (tmp_path / "cache").glob("*/state.json")
    state.write_text(damage)
    with pytest.raises(InputError, match=r"is damaged .*: delete it") as caught:
        fill(colors, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_a_stream_that_breaks_off_while_it_is_cached_is_one_line(tmp_path: Path) -> None:
    def records() -> Iterator[dict[str, Any]]:
        yield {"image": {"path": "0", "bytes": encoded(one_color(0))}}
        raise ValueError("the hub is gone\nreally")

    features = datasets.Features({"image": datasets.Image(decode=False)})
    stream = datasets.IterableDataset.from_generator(records, features=features)
    with pytest.raises(AssetError, match="the hub is gone") as caught:
        fill(stream, tmp_path / "cache")
    assert "\n" not in str(caught.value)


def test_a_folder_that_can_hold_no_cache_is_one_line(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"can't make the cache .*file") as caught:
        fill(colors, tmp_path / "file" / "cache")
    assert "\n" not in str(caught.value)

    def refuse(folder: Path) -> None:
        raise InputError(f"can't write to {folder}: Permission denied")

    monkeypatch.setattr(disk_cache, "check_writable", refuse)
    with pytest.raises(InputError, match="Permission denied"):
        fill(colors, tmp_path / "cache")


def test_a_cache_with_a_missing_shard_is_one_line(colors: Path, tmp_path: Path) -> None:
    fill(colors, tmp_path / "cache")
    (target,) = (tmp_path / "cache").iterdir()
    (target / "photos-00001").rename(target / "elsewhere")
    with pytest.raises(InputError, match=r"damaged.*delete it") as caught:
        fill(colors, tmp_path / "cache")
    assert "\n" not in str(caught.value)


# --- what is shown -------------------------------------------------------------------------------


def test_without_a_terminal_there_is_a_line_and_no_bar(
    colors: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(colors, tmp_path / "cache")
    captured = capfd.readouterr()
    (target,) = (tmp_path / "cache").iterdir()
    assert captured.out == f"caching photos in {target}\n"
    assert captured.err == ""
    fill(colors, tmp_path / "cache")
    assert capfd.readouterr() == ("", "")


def test_on_a_terminal_there_is_a_bar(
    colors: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(disk_cache, "Console", lambda: SimpleNamespace(is_interactive=True))
    asked = []

    def track(rows: Iterator[Any], title: str, **options: Any) -> Iterator[Any]:
        asked.append((title, options["total"]))
        return rows

    monkeypatch.setattr(disk_cache, "track", track)
    assert seen(fill(colors, tmp_path / "cache")) == list(range(10))
    ((title, total),) = asked
    assert title.startswith("caching photos in ")
    assert total == 10
    assert "caching" not in capfd.readouterr().out


@pytest.mark.parametrize("disabled", [True, False])
def test_the_bars_of_other_users_of_datasets_stay_as_they_are(
    colors: Path, tmp_path: Path, disabled: bool
) -> None:
    before = datasets.are_progress_bars_disabled()
    switch = datasets.disable_progress_bars if disabled else datasets.enable_progress_bars
    switch()
    try:
        fill(colors, tmp_path / "cache")
        assert datasets.are_progress_bars_disabled() == disabled
    finally:
        (datasets.disable_progress_bars if before else datasets.enable_progress_bars)()


def test_state_is_plain_json(colors: Path, tmp_path: Path) -> None:
    fill(colors, tmp_path / "cache")
    (target,) = (tmp_path / "cache").iterdir()
    state = json.loads((target / "state.json").read_text())
    assert state["complete"]
    assert state["read"] == 10
    assert len(state["shards"]) == 3
