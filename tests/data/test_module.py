"""fst.data.module: where a run's photos come from, which are held out, and where it goes on.

Most photos here are of one color each, so that a crop tells which photo it was cut from.
"""

import io
import random
import struct
import zlib
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pytest
import torch
from support import encoded, make_photo, numbers, one_color, write_parquet
from torch import Tensor

from fst.data import disk_cache
from fst.data import module as data_module
from fst.data.module import PhotoDataModule
from fst.data.photo_list import PhotoList
from fst.data.photo_stream import PhotoStream
from fst.data.sources import Record, decode
from fst.errors import AssetError, FstError, FstWarning, InputError

pytestmark = pytest.mark.usefixtures("offline")


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    """The same ten photos, as the hub has them, in three files."""
    return write_parquet(tmp_path / "parquet", [4, 3, 3])


def at_step(
    data: PhotoDataModule,
    step: int = 0,
    rank: int = 0,
    ranks: int = 1,
    device: str = "cpu",
    max_steps: int = -1,
) -> PhotoDataModule:
    """The module in a run that stands at ``step``."""
    data.setup()
    # no test needs a GPU: what would use one is replaced
    root = torch.device("cpu") if device == "cpu" else SimpleNamespace(type=device)
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_step=step,
        global_rank=rank,
        world_size=ranks,
        max_steps=max_steps,
        strategy=SimpleNamespace(root_device=root),
    )
    return data


def batches(data: PhotoDataModule, count: int, step: int = 0, **run: Any) -> list[Tensor]:
    """The batches of a run that stands at ``step``."""
    return list(islice(at_step(data, step, **run).train_dataloader(), count))


def make(kind: str, colors: Path, parquet: Path, **settings: Any) -> PhotoDataModule:
    """Ten photos: of a folder, a stream or a downloaded data set; or a cache of one of these."""
    settings = {"size": 16, "batch_size": 2, "val_photos": 2, "shuffle_buffer": 3, **settings}
    if kind.startswith("cached"):
        settings["cache"] = str(colors.parent / "cache")
    if kind.endswith("folder"):
        return PhotoDataModule("folder", str(colors), **settings)
    return PhotoDataModule("hub", str(parquet), streaming="stream" in kind, **settings)


KINDS = ("folder", "stream", "downloaded", "cached folder", "cached stream")


# --- resuming ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "threads", "device_cache"),
    [
        ("folder", 0, False),
        ("folder", 0, True),
        ("folder", 2, True),
        ("stream", 0, False),
        ("stream", 2, False),
        ("downloaded", 2, False),
        ("cached folder", 0, True),
        ("cached stream", 2, False),
    ],
)
def test_a_resumed_run_sees_the_crops_that_were_to_come(
    colors: Path, parquet: Path, kind: str, threads: int, device_cache: bool
) -> None:
    def data() -> PhotoDataModule:
        return make(kind, colors, parquet, num_workers=threads, device_cache=device_cache)

    whole = batches(data(), 14)
    for step in (1, 9):
        running, resumed = data(), data()
        loaded = iter(at_step(running).train_dataloader())
        list(islice(loaded, step + 1))
        running.trainer.global_step = step  # type: ignore[union-attr]
        buffer = io.BytesIO()
        torch.save(running.state_dict(), buffer)
        resumed.setup()
        resumed.load_state_dict(torch.load(io.BytesIO(buffer.getvalue()), weights_only=True))
        assert torch.equal(torch.stack(batches(resumed, 5, step)), torch.stack(whole[step:][:5]))


@pytest.mark.parametrize("kind", ["folder", "stream"])
def test_without_the_state_a_resumed_run_sees_the_same(
    colors: Path, parquet: Path, kind: str
) -> None:
    whole = batches(make(kind, colors, parquet), 8)
    resumed = batches(make(kind, colors, parquet), 3, step=5)
    assert torch.equal(torch.stack(resumed), torch.stack(whole[5:]))


def test_only_a_stream_has_a_state(colors: Path, parquet: Path) -> None:
    for kind in KINDS:
        data = make(kind, colors, parquet)
        assert data.state_dict() == {}
        batches(data, 1)
        assert bool(data.state_dict()) == (kind == "stream")
        data.trainer.global_step = 8  # type: ignore[union-attr]
        list(islice(data.train_dataloader(), 1))
        if kind == "stream":
            assert 16 - 3 < data.state_dict()["place"] <= 16  # no more is read again than a block
        data.load_state_dict({})


@pytest.mark.parametrize("kind", ["folder", "stream"])
@pytest.mark.parametrize("step", [0, 1])
def test_threads_change_nothing_whether_from_the_start_or_resumed(
    colors: Path, parquet: Path, kind: str, step: int
) -> None:
    alone = batches(make(kind, colors, parquet), 6 + step)[step:]
    dealt = batches(make(kind, colors, parquet, num_workers=2), 6, step)
    assert torch.equal(torch.stack(dealt), torch.stack(alone))


# --- several devices -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["folder", "downloaded", "cached stream"])
@pytest.mark.parametrize("threads", [0, 2])
def test_the_parts_of_two_devices_are_the_batch_in_order(
    colors: Path, parquet: Path, kind: str, threads: int
) -> None:
    def part(**run: Any) -> list[Tensor]:
        data = make(kind, colors, parquet, batch_size=4, num_workers=threads)
        return batches(data, 6, step=1, **run)

    parts = zip(part(rank=0, ranks=2), part(rank=1, ranks=2), strict=True)
    assert torch.equal(torch.stack([torch.cat(pair) for pair in parts]), torch.stack(part()))


@pytest.mark.parametrize(("batch_size", "ranks"), [(4, 3), (2, 4), (5, 2)])
def test_a_batch_that_cannot_be_dealt_evenly_is_refused(
    colors: Path, batch_size: int, ranks: int
) -> None:
    data = at_step(PhotoDataModule("folder", str(colors), 16, batch_size), ranks=ranks)
    with pytest.raises(InputError, match=f"batch_size={batch_size}.*multiple of {ranks}"):
        data.train_dataloader()


# --- broken photos -------------------------------------------------------------------------------


def ten_ways_to_be_broken() -> dict[str, bytes]:
    """Names and contents of files that are no photos, but look more or less like it."""
    photo = make_photo(60, 50)
    jpeg, png, tiff, webp = (encoded(photo, kind) for kind in ("JPEG", "PNG", "TIFF", "WEBP"))
    cmyk = encoded(photo.convert("CMYK"), "JPEG")
    header, pixels = png.index(b"IHDR"), png.index(b"IDAT")
    absurd = bytearray(png)
    absurd[header + 4 : header + 12] = struct.pack(">II", 60_000, 60_000)
    absurd[header + 17 : header + 21] = struct.pack(">I", zlib.crc32(absurd[header : header + 17]))
    garbage = random.Random(0).randbytes(3000)
    return {
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "empty.jpg": b"",
        "text.jpg": b"<!DOCTYPE html><title>404 Not Found</title>",
        "checksum.png": png[: header + 17] + b"oops" + png[header + 21 :],
        "cut.png": png[: pixels + 40],
        "gif_without_frames.png": b"GIF89a" + struct.pack("<HHBBB", 20, 20, 0, 0, 0) + b";",
        "absurd_size.png": bytes(absurd),
        "cmyk_garbage.jpeg": cmyk[: cmyk.index(b"\xff\xda") + 14] + garbage,
        "cut.tif": tiff[: len(tiff) // 2],
        "cut.webp": webp[: len(webp) // 2],
    }


def test_each_of_the_ten_ways_is_refused_by_name() -> None:
    for name, content in ten_ways_to_be_broken().items():
        with pytest.raises(InputError) as caught:
            decode({"path": name, "bytes": content})
        message = str(caught.value)
        assert message.startswith(name)
        assert len(message) > len(name) + 5, "no reason"
        assert "\n" not in message


@pytest.mark.parametrize(
    "settings", [{}, {"num_workers": 3}, {"device_cache": True}], ids=["plain", "threads", "device"]
)
def test_of_200_photos_of_which_ten_are_broken_only_those_are_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, Any]
) -> None:
    def epoch() -> tuple[list[int], list[int]]:
        data = PhotoDataModule(
            "folder", str(tmp_path / "photos"), 16, batch_size=5, val_photos=20, **settings
        )
        trained = numbers(torch.cat(batches(data, 36)))
        return trained, numbers(torch.cat(list(data.val_dataloader())))

    (tmp_path / "photos").mkdir()
    for i in range(200):
        one_color(i).save(tmp_path / "photos" / f"{i:03d}.png")
    all_trained, all_held_out = epoch()
    assert sorted(all_trained + all_held_out) == list(range(200))
    capsys.readouterr()

    broken: dict[int, str] = {}
    for i, (name, content) in enumerate(ten_ways_to_be_broken().items()):
        number = 20 * i + 3  # none of the held-out ones
        broken[number] = f"{number:03d}{name}"
        (tmp_path / "photos" / f"{number:03d}.png").unlink()
        (tmp_path / "photos" / broken[number]).write_bytes(content)
    assert not set(all_held_out) & set(broken)
    trained, held_out = epoch()
    assert held_out == all_held_out
    assert len(trained) == 180
    for before, after in zip(all_trained, trained, strict=True):
        assert after not in broken
        if before not in broken:
            assert after == before  # every other photo at its own place
    lines = [line for line in capsys.readouterr().out.splitlines() if "skipped" in line]
    assert len(lines) == 10
    for number, line in enumerate(sorted(lines, key=lambda line: int(line.split()[1][:-1])), 1):
        assert line.startswith(f"skipped {number}: ")
    for name in broken.values():
        assert sum(name in line for line in lines) == 1


def test_a_jpeg_with_a_whole_header_and_an_empty_body_hurts_nobody(colors: Path) -> None:
    # a decoder may fill what is missing with gray: then it is a photo
    jpeg = encoded(make_photo(), "JPEG")
    body = jpeg.index(b"\xff\xda") + 14
    (colors / "zeros.jpg").write_bytes(jpeg[:body] + bytes(len(jpeg) - body - 2) + b"\xff\xd9")
    data = PhotoDataModule("folder", str(colors), 16, batch_size=2, val_photos=1)
    assert len(batches(data, 20)) == 20


def test_what_is_no_file_is_passed_over(colors: Path) -> None:
    (colors / "folder.jpg").mkdir()
    (colors / "nowhere.jpg").symlink_to(colors / "gone.jpg")
    data = PhotoDataModule("folder", str(colors), 16, batch_size=2, val_photos=2)
    trained = numbers(torch.cat(batches(data, 4)))
    assert sorted(trained + val_numbers(data)) == list(range(10))


def test_a_file_that_goes_away_while_training_is_a_broken_photo(
    colors: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = PhotoDataModule("folder", str(colors), 16, batch_size=2, val_path=str(colors))
    data.setup()
    (colors / "04.png").unlink()
    assert 4 not in numbers(torch.cat(batches(data, 10)))
    assert "skipped 1: " in (out := capsys.readouterr().out)
    assert "04.png: no such file" in out


def test_photos_that_are_all_broken_are_an_input_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match="decoded"):
        PhotoDataModule("folder", str(tmp_path), 16).setup()
    assert "0.jpg is not a picture" in capsys.readouterr().out


@pytest.mark.parametrize("threads", [0, 1])
def test_a_run_that_finds_no_photo_says_so_in_one_line(
    colors: Path, tmp_path: Path, threads: int
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"no picture")
    data = PhotoDataModule(
        "folder", str(tmp_path / "broken"), 16, 2, val_path=str(colors), num_workers=threads
    )
    with (
        pytest.warns(FstWarning, match="only 1 photo to"),
        pytest.raises(InputError, match="decoded") as caught,
    ):
        batches(data, 1)
    assert "\n" not in str(caught.value)


def test_a_held_out_photo_that_is_broken_is_replaced(colors: Path) -> None:
    (colors / "05.png").write_bytes(b"no picture")
    for path in ("", str(colors)):
        data = PhotoDataModule("folder", str(colors), 16, val_path=path, val_photos=6)
        data.setup()
        assert val_numbers(data) == ([0, 1, 2, 3, 4, 6] if path else [0, 1])


def test_a_validation_folder_of_broken_photos_is_one_line(colors: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    for i in range(5):
        (tmp_path / "broken" / f"{i}.jpg").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"validate on can be decoded: .*0\.jpg") as caught:
        PhotoDataModule("folder", str(colors), 16, val_path=str(tmp_path / "broken")).setup()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["folder", "stream"])
def test_a_pilot_has_four_photos_where_one_is_held_out(
    colors: Path, tmp_path: Path, kind: str
) -> None:
    for i in range(10):
        make_photo(seed=i).save(colors / f"{i:02d}.png")
    parquet = write_parquet(tmp_path / "all", [10])
    data = make(kind, colors, parquet, val_photos=1)
    data.setup()
    assert data.val is not None
    crops = data.pilot_crops()
    assert len(crops) == 4
    assert torch.equal(crops[0], data.val[0])
    assert len({float(crop.mean()) for crop in crops}) == 4
    many = make(kind, colors, parquet, val_photos=6, val_path=str(colors))
    many.setup()
    assert many.val is not None
    assert many.pilot_crops() == many.val.crops


# --- held-out photos -----------------------------------------------------------------------------


def val_numbers(data: PhotoDataModule) -> list[int]:
    return numbers(torch.cat(list(data.val_dataloader())))


@pytest.mark.parametrize(
    ("kind", "step"), [*((kind, 0) for kind in KINDS), ("folder", 9), ("stream", 9)]
)
def test_held_out_photos_are_never_trained_on(
    colors: Path, parquet: Path, kind: str, step: int
) -> None:
    data = make(kind, colors, parquet)
    trained = numbers(torch.cat(batches(data, 16, step)))  # four epochs
    held_out = val_numbers(data)
    assert len(held_out) == len(set(held_out)) == 2
    assert set(trained).isdisjoint(held_out)
    assert set(trained) | set(held_out) == set(range(10))


@pytest.mark.parametrize("kind", ["folder", "stream", "cached stream"])
def test_the_same_photos_are_held_out_each_time(colors: Path, parquet: Path, kind: str) -> None:
    found = []
    for _ in range(2):
        data = make(kind, colors, parquet, seed=len(found))
        data.setup()
        found.append(val_numbers(data))
    assert found[0] == found[1]


def test_at_most_a_fifth_of_a_folder_is_held_out(colors: Path) -> None:
    data = PhotoDataModule("folder", str(colors), 16, val_photos=16)
    data.setup()
    assert len(val_numbers(data)) == 2


def test_of_very_few_photos_none_is_set_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for i in range(3):
        one_color(i).save(tmp_path / f"{i}.png")
    data = PhotoDataModule("folder", str(tmp_path), 16, batch_size=3)
    with pytest.warns(FstWarning, match="only 3 photos to train on"):
        assert sorted(numbers(batches(data, 1)[0])) == [0, 1, 2]
    assert val_numbers(data) == [0, 1, 2]
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.warns(FstWarning, match="only 3"):
        batches(PhotoDataModule("folder", str(tmp_path), 16, batch_size=3), 4)
    assert capsys.readouterr().out.count("1.png") == 1  # though it is in both


def test_a_stream_that_validation_uses_up_says_why(tmp_path: Path) -> None:
    data = PhotoDataModule(
        "hub", str(write_parquet(tmp_path / "few", [4])), 16, batch_size=2, val_photos=4
    )
    with pytest.raises(InputError, match=r"data\.val_photos"):
        batches(data, 1)


@pytest.mark.parametrize("kind", ["folder", "stream"])
def test_a_folder_for_validation_leaves_all_photos_to_training(
    colors: Path, parquet: Path, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "val").mkdir()
    for i in (20, 21, 22):
        one_color(i).save(tmp_path / "val" / f"{i}.png")
    data = make(kind, colors, parquet, val_path=str(tmp_path / "val"))
    assert set(numbers(torch.cat(batches(data, 5)))) == set(range(10))
    assert val_numbers(data) == [20, 21]


# --- only some of the photos ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "max_photos"),
    [
        *((kind, 5) for kind in KINDS),
        *((kind, 100) for kind in ("folder", "stream", "downloaded")),
        ("folder", 1),
        ("stream", 1),
        ("stream", 6),
    ],
)
def test_only_the_first_photos_are_used(
    colors: Path, parquet: Path, kind: str, max_photos: int
) -> None:
    data = make(kind, colors, parquet, max_photos=max_photos, val_photos=1)
    warned = kind != "stream" and max_photos < 4
    if kind == "stream" and max_photos == 1:
        with pytest.raises(InputError, match=r"data\.val_photos"):
            batches(data, 1)
        return
    with pytest.warns(FstWarning, match="only") if warned else nullcontext():
        trained = numbers(torch.cat(batches(data, 15)))
    used = sorted(set(trained + val_numbers(data)))
    assert used == list(range(min(max_photos, 10)))


# --- the cache -----------------------------------------------------------------------------------


def test_a_second_run_reads_only_the_cache(
    colors: Path, parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("cached folder", "cached stream"):
        first = torch.cat(batches(make(kind, colors, parquet), 8))
        with monkeypatch.context() as patch:
            patch.setattr(disk_cache, "decode", None)
            assert torch.equal(torch.cat(batches(make(kind, colors, parquet), 8)), first)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *(
            ("cached folder", change)
            for change in ("added", "removed", "rewritten", "touched", "renamed")
        ),
        *(("cached stream", change) for change in ("added", "removed", "touched")),
        ("cached downloaded", "rewritten"),
    ],
)
def test_photos_that_have_changed_get_a_new_cache(
    colors: Path, parquet: Path, kind: str, change: str
) -> None:
    batches(make(kind, colors, parquet), 1)
    caches = colors.parent / "cache"
    assert len(list(caches.iterdir())) == 1
    if kind == "cached folder":
        first, new = colors / "00.png", colors / "99.png"
        content = encoded(one_color(11))
    else:
        first = min(parquet.iterdir())
        other = write_parquet(parquet.parent / "other", [5])
        new, content = parquet / "train-99.parquet", next(other.iterdir()).read_bytes()
    if change == "added":
        new.write_bytes(content)
    elif change == "removed":
        first.unlink()
    elif change == "rewritten":
        first.write_bytes(content)
    elif change == "renamed":
        first.rename(first.with_name("000.png"))  # size, date and order stay
    else:
        first.touch()
    batches(make(kind, colors, parquet), 1)
    assert len(list(caches.iterdir())) == 2


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("cached folder", {"max_photos": 8}),
        ("cached stream", {"max_photos": 8}),
        ("cached folder", {"size": 32}),
        ("cached folder", {"min_scale": 0.3}),
    ],
    ids=str,
)
def test_other_settings_that_matter_get_a_cache_of_their_own(
    colors: Path, parquet: Path, kind: str, settings: dict[str, Any]
) -> None:
    make(kind, colors, parquet).setup()
    make(kind, colors, parquet, seed=3, batch_size=5, val_photos=1).setup()
    assert len(list((colors.parent / "cache").iterdir())) == 1
    make(kind, colors, parquet, **settings).setup()
    assert len(list((colors.parent / "cache").iterdir())) == 2


def test_crops_from_the_cache_look_like_those_without(photo_folder: Path, tmp_path: Path) -> None:
    def data(**settings: Any) -> PhotoDataModule:
        return PhotoDataModule("folder", str(photo_folder), 40, 2, val_photos=2, **settings)

    plain = torch.stack(batches(data(), 10))
    cached = torch.stack(batches(data(cache=str(tmp_path / "cache")), 10))
    # the photos are smaller than the cache's side: the same crops, but for a second JPEG
    assert (cached - plain).abs().mean() < 0.01
    assert (cached - plain).abs().max() < 0.15


def test_a_tilde_in_the_caches_path_is_the_home_folder(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    PhotoDataModule("folder", str(colors), 16, cache="~/photos").setup()
    assert (tmp_path / "home" / "photos").is_dir()
    assert not (tmp_path / "~").exists()


# --- photos on the device ------------------------------------------------------------------------


def test_crops_of_photos_kept_decoded_are_the_same(photo_folder: Path) -> None:
    (photo_folder / "photo_05.jpg").write_bytes(b"no picture")

    def data(**settings: Any) -> PhotoDataModule:
        return PhotoDataModule("folder", str(photo_folder), 40, 2, val_photos=2, **settings)

    plain = torch.stack(batches(data(device_cache=False), 15))
    kept = data(device_cache=True)
    assert torch.equal(torch.stack(batches(kept, 15)), plain)
    assert kept.train is not None
    assert [Path(name).name for name in kept.train.skipped] == ["photo_05.jpg"]
    assert isinstance(kept.train.source, PhotoList)
    records = [kept.train.source.get(i) for i in range(len(kept.train.source))]
    assert sum("pixels" in record for record in records) == len(records) - 1


def decoded_all(
    monkeypatch: pytest.MonkeyPatch, fits: bool = True
) -> list[tuple[str, bool, list[Record] | None]]:
    """What was asked to be decoded onto a device, in place of doing it."""
    asked = []

    def decoded_photos(
        photos: datasets.Dataset, side: int, device: torch.device, always: bool
    ) -> list[Record] | None:
        result = [row["image"] for row in photos] if fits else None
        asked.append((device.type, always, result))
        return result

    monkeypatch.setattr(data_module, "decoded_photos", decoded_photos)
    return asked


@pytest.mark.parametrize(
    ("device_cache", "device", "max_steps", "expected"),
    [
        ("auto", "cpu", -1, None),
        ("auto", "cuda", -1, False),
        ("auto", "cuda", 100, False),
        ("auto", "cuda", 4, False),
        ("auto", "cuda", 3, None),  # six photos of eight: nothing would be used twice
        (True, "cuda", 3, True),
        (True, "cpu", 3, True),
        (1, "cpu", 3, True),
        (False, "cuda", 100, None),
    ],
)
def test_photos_are_kept_on_a_gpu_or_where_asked(
    colors: Path,
    monkeypatch: pytest.MonkeyPatch,
    device_cache: bool | str,
    device: str,
    max_steps: int,
    expected: bool | None,
) -> None:
    asked = decoded_all(monkeypatch)
    data = PhotoDataModule(
        "folder", str(colors), 16, batch_size=2, val_photos=2, device_cache=device_cache
    )
    loader = at_step(data, device=device, max_steps=max_steps).train_dataloader()
    assert [(d, always) for d, always, _ in asked] == (
        [] if expected is None else [(device, expected)]
    )
    assert loader.pin_memory == (device == "cuda" and expected is None)
    at_step(data, device=device, max_steps=max_steps).train_dataloader()
    assert len(asked) == (expected is not None)  # once is enough


def test_photos_that_do_not_fit_are_decoded_as_they_come(
    colors: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = decoded_all(monkeypatch, fits=False)
    data = PhotoDataModule("folder", str(colors), 16, batch_size=2, val_photos=2)
    loader = at_step(data, device="cuda").train_dataloader()
    assert len(asked) == 1
    assert "don't fit" in capsys.readouterr().out
    assert loader.pin_memory
    assert data.train is not None
    assert len(numbers(torch.stack(list(islice(data.train, 8))))) == 8


def test_a_stream_is_not_kept_on_the_device(parquet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = decoded_all(monkeypatch)
    data = PhotoDataModule("hub", str(parquet), 16, batch_size=2, device_cache=True, val_photos=1)
    assert len(batches(data, 2)) == 2
    assert asked == []


# --- the module ----------------------------------------------------------------------------------


@pytest.fixture
def assets_with_photos(
    offline: None, colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets" / "photos").mkdir(parents=True)
    colors.rename(tmp_path / "assets" / "photos" / "train")
    monkeypatch.setenv("FST_ASSETS", str(tmp_path / "assets"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("assets_with_photos")
def test_auto_takes_the_folder_of_the_assets_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = PhotoDataModule("auto", "train", 16, batch_size=2, val_photos=2)
    assert set(numbers(torch.cat(batches(data, 4)))) < set(range(10))
    assert "folder train" in capsys.readouterr().out
    assert data.describe()["source"] == "folder"


def test_auto_without_the_folder_takes_coco_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def fail(name: str, **kwargs: object) -> None:
        asked.append(name)
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssetError) as caught:
        PhotoDataModule("auto", "train", 16).setup()
    message = str(caught.value)
    assert "\n" not in message
    for tried in (
        "data=auto",
        "'train'",
        "FST_ASSETS (not set)",
        str(tmp_path / "cache"),
        "coco",
        "no network",
    ):
        assert tried in message
    for remedy in ("data=sample", "data=folder data.path="):
        assert remedy in message
    assert asked == ["detection-datasets/coco"]
    assert "hub detection-datasets/coco" in capsys.readouterr().out


def test_the_real_photos_give_batches(
    assets_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FST_ASSETS", str(assets_folder))
    data = PhotoDataModule("auto", "train", 32, batch_size=4, val_photos=2)
    (batch,) = batches(data, 1)
    assert batch.shape == (4, 3, 32, 32)
    assert batch.std() > 0.1
    assert "folder train" in capsys.readouterr().out
    files = len([*(assets_folder / "photos" / "train").rglob("*.jpg")])
    assert data.describe()["photos"] == files - 2


def test_the_samples_give_batches() -> None:
    (batch,) = batches(PhotoDataModule("sample", size=16, batch_size=2), 1)
    assert batch.shape == (2, 3, 16, 16)
    assert batch.std() > 0.05


def test_the_block_of_a_stream_is_the_shuffle_buffer(parquet: Path) -> None:
    data = PhotoDataModule("hub", str(parquet), 16, shuffle_buffer=7, val_photos=2)
    data.setup()
    assert data.train is not None
    assert isinstance(data.train.source, PhotoStream)
    assert data.train.source.block == 7


def test_a_second_setup_changes_nothing(colors: Path) -> None:
    data = PhotoDataModule("folder", str(colors), 16)
    data.setup("fit")
    first = data.train
    data.setup("validate")
    assert data.train is first


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(FstError, match="bare"):
        PhotoDataModule("folder", str(tmp_path / "bare"), 16).setup()


def test_loaders_before_the_setup_are_a_mistake_of_the_caller() -> None:
    data = PhotoDataModule("sample")
    with pytest.raises(RuntimeError, match="setup"):
        data.train_dataloader()
    with pytest.raises(RuntimeError, match="setup"):
        data.val_dataloader()


# --- the description -----------------------------------------------------------------------------


def test_the_description_tells_what_was_trained_on(colors: Path) -> None:
    data = PhotoDataModule("folder", str(colors), 16, batch_size=3, val_photos=2)
    data.setup()
    about = data.describe()
    assert about["name"] == "colors"
    expected = {"source": "folder", "photos": 8, "size": 16, "batch_size": 3}
    assert expected.items() <= about.items()


@pytest.mark.parametrize("kind", KINDS)
def test_the_description_tells_nothing_of_this_machine(
    colors: Path, parquet: Path, tmp_path: Path, kind: str
) -> None:
    data = make(kind, colors, parquet)
    data.setup()
    parquet.rename(tmp_path / "moved")  # the photos may be gone when the training ends
    for part in tmp_path.parts[1:]:
        assert part not in str(data.describe())
    assert data.describe()["name"] in ("colors", "parquet")
    assert (data.describe()["photos"] is None) == (kind == "stream")


def test_a_relative_path_is_named_by_its_last_part(
    parquet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").mkdir()
    parquet.rename(tmp_path / "secret" / "mine")
    assert PhotoDataModule("hub", "secret/mine", 16).describe()["name"] == "mine"
    assert PhotoDataModule("folder", "secret/train", 16).describe()["name"] == "train"


def test_a_data_set_of_the_hub_keeps_its_whole_name() -> None:
    assert PhotoDataModule("hub", "owner/name", 16).describe()["name"] == "owner/name"
    assert PhotoDataModule("sample").describe()["name"] is None


def test_steps_take_the_sizes_in_turn_and_validation_does_not(photo_folder: Path) -> None:
    data = PhotoDataModule(
        "folder", str(photo_folder), size=16, sizes=[16, 24], batch_size=2, val_photos=2
    )
    data.setup()
    batches = iter(data.train_dataloader())
    assert [next(batches).shape[2] for _ in range(4)] == [16, 24, 16, 24]
    assert {batch.shape[2] for batch in data.val_dataloader()} == {16}
    assert data.describe()["sizes"] == [16, 24]
