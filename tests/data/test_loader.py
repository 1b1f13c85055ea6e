"""fst.data.loader: the order of the photos, and what becomes of those that are broken.

Most photos here are of one color each, so that a crop tells which photo it was cut from.
"""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch
from photo_streams import all_names, names, own_threads, through_a_file
from support import encoded, make_photo, numbers, one_color, write_parquet
from torch import Tensor
from torch.utils.data import DataLoader

from fst.data import loader
from fst.data.crops import CropAndFlip
from fst.data.loader import TrainingCrops
from fst.data.photo_list import PhotoList
from fst.data.photo_stream import PhotoStream
from fst.data.sources import Record, decode, open_folder, open_hub
from fst.errors import AssetError, InputError

pytestmark = pytest.mark.usefixtures("offline")


def crops_of(
    source: PhotoList | PhotoStream, batch_size: int = 1, start: int = 0, **settings: Any
) -> TrainingCrops:
    crops = TrainingCrops(source, CropAndFlip(16, 0.25, 0), batch_size, **settings)
    crops.start = start
    return crops


def crops_of_folder(folder: Path, seed: int = 0, **settings: Any) -> TrainingCrops:
    return crops_of(PhotoList(open_folder(str(folder)), seed), **settings)


def take(photos: TrainingCrops, count: int) -> Tensor:
    return torch.stack(list(islice(photos, count)))


def order(photos: TrainingCrops, count: int) -> list[int]:
    return numbers(take(photos, count))


# --- the order of a list -------------------------------------------------------------------------


def test_every_photo_appears_once_in_each_epoch(colors: Path) -> None:
    seen = order(crops_of_folder(colors), 30)
    for epoch in range(3):
        assert sorted(seen[10 * epoch : 10 * epoch + 10]) == list(range(10))


def test_a_new_epoch_has_another_order(colors: Path) -> None:
    seen = order(crops_of_folder(colors), 30)
    assert len({tuple(seen[:10]), tuple(seen[10:20]), tuple(seen[20:])}) == 3


def test_another_seed_has_another_order(colors: Path) -> None:
    assert order(crops_of_folder(colors, 0), 10) != order(crops_of_folder(colors, 1), 10)


@pytest.mark.parametrize("start", [1, 9, 10, 11, 25])
def test_a_list_begins_at_any_place(colors: Path, start: int) -> None:
    whole = take(crops_of_folder(colors), start + 5)
    assert torch.equal(take(crops_of_folder(colors, start=start), 5), whole[start:])


def test_the_crops_begin_anew_each_time_they_are_iterated(colors: Path) -> None:
    photos = crops_of_folder(colors)
    assert torch.equal(take(photos, 5), take(photos, 5))


@pytest.mark.parametrize("start", [0, 7])
def test_a_crop_is_cut_as_its_place_says(photo_folder: Path, start: int) -> None:
    (photo_folder / "photo_05.jpg").write_bytes(b"no picture")
    photos = crops_of_folder(photo_folder, start=start)
    cut = CropAndFlip(16, 0.25, seed=0)
    for place, crop in enumerate(take(photos, 24), start):
        (name,) = photos.names(place)  # of the photo that stands in, where one does
        assert torch.equal(crop, cut(decode({"path": name}), place))


def test_decoded_records_are_taken_as_they_are() -> None:
    records = [
        {"path": f"{i}", "pixels": torch.full((3, 20, 24), i, dtype=torch.uint8)} for i in range(5)
    ]
    seen = take(crops_of(PhotoList(records, 0)), 5)
    assert sorted((seen * 255).flatten(1).unique(dim=1).flatten().tolist()) == [0, 1, 2, 3, 4]


# --- the order of a stream -----------------------------------------------------------------------


@pytest.mark.parametrize("downloaded", [True, False])
def test_a_data_set_of_the_hub_gives_crops(tmp_path: Path, downloaded: bool) -> None:
    photos = open_hub(str(write_parquet(tmp_path / "hub", [6, 4])), streaming=not downloaded)
    source = PhotoList(photos, 0) if downloaded else PhotoStream(photos, 0)
    seen = order(crops_of(source), 30)
    epochs = [tuple(seen[:10]), tuple(seen[10:20]), tuple(seen[20:])]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len(set(epochs)) == 3


# --- going on where a stream stood ---------------------------------------------------------------


def test_a_resumed_stream_gives_the_same_crops(stream: datasets.IterableDataset) -> None:
    whole = take(crops_of(PhotoStream(stream, 0, 4), threads=2), 40)
    source = PhotoStream(stream, 0, 4)
    take(crops_of(source, threads=2), 25)
    state = source.state_dict(25)
    resumed = PhotoStream(stream, 0, 4)
    resumed.load_state_dict(through_a_file(state))
    assert torch.equal(take(crops_of(resumed, start=25, threads=2), 15), whole[25:])


# --- threads and ranks ---------------------------------------------------------------------------

Source = Callable[[], PhotoList | PhotoStream]


@pytest.fixture(params=["list", "stream"])
def source(
    request: pytest.FixtureRequest, photo_folder: Path, stream: datasets.IterableDataset
) -> Source:
    """Twelve photos of a folder, or the stream."""
    if request.param == "list":
        (photo_folder / "photo_05.jpg").write_bytes(b"no picture")
        photos = open_folder(str(photo_folder))
        return lambda: PhotoList(photos, 0)
    return lambda: PhotoStream(stream, 0, 5, held_out=1)


@pytest.mark.parametrize("start", [0, 14])
def test_threads_change_nothing(source: Source, start: int) -> None:
    said: list[list[str]] = [[], [], []]
    alone, one, four = (
        take(crops_of(source(), start=start, threads=threads, on_skip=said[i].append), 50)
        for i, threads in enumerate((0, 1, 4))
    )
    assert torch.equal(one, alone)
    assert torch.equal(four, alone)
    assert said[0] == said[1] == said[2]
    assert own_threads() == []


def test_threads_decode_ahead_and_together(monkeypatch: pytest.MonkeyPatch) -> None:
    three = threading.Barrier(3, timeout=20)
    begun: list[Record] = []

    def waiting(record: Record, at_least: int) -> Tensor:
        begun.append(record)
        if len(begun) <= 3:
            three.wait()  # breaks if fewer are decoded at a time
        return torch.zeros(3, 20, 24, dtype=torch.uint8)

    monkeypatch.setattr(loader, "decode", waiting)
    crops = iter(crops_of(PhotoList([{"path": "a"}], 0), threads=3))
    next(crops)
    assert 3 <= len(begun) <= 4 * 3 + 1  # and not all of them


@pytest.mark.parametrize(("ranks", "threads"), [(2, 0), (2, 3), (3, 0), (6, 0)])
def test_the_parts_of_all_ranks_are_the_batch_in_order(
    source: Source, ranks: int, threads: int
) -> None:
    whole = DataLoader(crops_of(source(), batch_size=6, start=6), 6)
    parts = [
        DataLoader(
            crops_of(source(), batch_size=6, start=6, threads=threads, rank=rank, ranks=ranks),
            6 // ranks,
        )
        for rank in range(ranks)
    ]
    for batch, *shares in islice(zip(whole, *parts, strict=True), 7):
        assert [len(share) for share in shares] == [6 // ranks] * ranks
        assert torch.equal(torch.cat(shares), batch)


def test_ranks_overlap_nowhere(stream: datasets.IterableDataset) -> None:
    read: list[list[str]] = []
    for rank in range(2):
        photos = crops_of(PhotoStream(stream, 0, 5, 1), batch_size=4, rank=rank, ranks=2)
        take(photos, 10)
        read.append([name for step in range(5) for name in photos.names(step)])
    assert [len(part) for part in read] == [10, 10]
    assert sorted(read[0] + read[1]) == sorted(set(all_names()) - {"0.png"})


@pytest.mark.parametrize("threads", [0, 2])
def test_a_step_knows_the_names_of_its_photos(colors: Path, threads: int) -> None:
    photos = crops_of_folder(colors, batch_size=4, threads=threads)
    crops = take(photos, 20)
    for step in range(5):
        expected = numbers(crops[4 * step : 4 * step + 4])
        assert [int(Path(name).stem) for name in photos.names(step)] == expected


def test_old_names_are_forgotten(colors: Path) -> None:
    photos = crops_of_folder(colors, batch_size=1)
    take(photos, 300)
    assert photos.names(0) == []
    assert len(photos.names(299)) == 1
    assert len(photos._names) <= 64


# --- leaving in the middle -----------------------------------------------------------------------


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("count", [0, 1, 30])
def test_crops_that_are_left_leave_no_thread(source: Source, threads: int, count: int) -> None:
    crops = iter(crops_of(source(), threads=threads, on_skip=lambda text: None))
    for _ in range(count):
        next(crops)
    crops.close()  # type: ignore[attr-defined]
    assert own_threads() == []


@pytest.mark.parametrize(
    "error", [ConnectionError("no route\nto host"), ValueError("bad page"), KeyError()]
)
@pytest.mark.parametrize("threads", [0, 2])
def test_a_stream_that_breaks_off_is_one_line_that_says_how_to_go_on(
    error: Exception, threads: int
) -> None:
    def records() -> Iterator[dict[str, Any]]:
        for i in range(5):
            yield {"image": {"path": f"{i}", "bytes": encoded(one_color(i))}}
        raise error

    features = datasets.Features({"image": datasets.Image(decode=False)})
    stream = datasets.IterableDataset.from_generator(records, features=features)
    crops = iter(crops_of(PhotoStream(stream, 0, 4), threads=threads))
    with pytest.raises(AssetError, match="resume=auto") as caught:
        list(islice(crops, 20))
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None
    assert own_threads() == []


# --- broken photos -------------------------------------------------------------------------------


@pytest.fixture
def partly_broken(colors: Path) -> Path:
    """Ten good photos, one that is none, one cut in half and one empty."""
    (colors / "corrupt.jpg").write_bytes(b"this is no picture")
    whole = encoded(make_photo(), "JPEG")
    (colors / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (colors / "empty.png").write_bytes(b"")
    return colors


BROKEN = ("corrupt.jpg", "cut.jpg", "empty.png")


@pytest.mark.parametrize("threads", [0, 4])
def test_broken_photos_are_skipped_counted_and_named_once(
    partly_broken: Path, threads: int
) -> None:
    said: list[str] = []
    photos = crops_of_folder(partly_broken, batch_size=4, threads=threads, on_skip=said.append)
    epochs = list(islice(DataLoader(photos, 4, drop_last=True), 13))  # 52 crops: four epochs
    assert [batch.shape for batch in epochs] == [(4, 3, 16, 16)] * 13
    assert set(numbers(torch.cat(epochs))) == set(range(10))
    assert len(said) == len(photos.skipped) == 3
    for count, message in enumerate(said, 1):
        assert message.startswith(f"skipped {count}: ")
        assert "\n" not in message
    for name in BROKEN:
        assert sum(message.count(name) for message in said) == 1


def test_of_many_broken_photos_the_first_are_named_and_the_others_counted(colors: Path) -> None:
    for i in range(60):
        (colors / f"broken{i:02d}.jpg").write_bytes(b"no picture")
    said: list[str] = []
    photos = crops_of_folder(colors, on_skip=said.append)
    take(photos, 140)
    assert len(photos.skipped) == 60
    assert [line.split()[1].rstrip(":") for line in said] == [*map(str, range(1, 11)), "16", "32"]


def test_two_threads_that_meet_a_broken_photo_name_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    both = threading.Barrier(2, timeout=10)

    def decode(record: Record, at_least: int) -> Tensor:
        if record["path"] == "bad":
            both.wait()
            raise InputError("bad is broken")
        return torch.zeros(3, 20, 24, dtype=torch.uint8)

    class Slow(set[str]):
        def __contains__(self, name: object) -> bool:
            found = super().__contains__(name)
            time.sleep(0.05)
            return found

    monkeypatch.setattr(loader, "decode", decode)
    said: list[str] = []
    photos = crops_of(PhotoList([{"path": "good"}], 0), on_skip=said.append)
    photos.skipped = Slow()

    def pick(attempt: int) -> Record:
        return {"path": "good" if attempt else "bad"}

    threads = [threading.Thread(target=photos._crop, args=(place, pick)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["skipped 1: bad is broken"]


def test_a_message_about_a_broken_photo_reads_as_a_sentence(partly_broken: Path) -> None:
    said: list[str] = []
    take(crops_of_folder(partly_broken, on_skip=said.append), 13)
    corrupt = next(message for message in said if "corrupt" in message)
    name, separator, _ = corrupt.partition(" is not a picture of a kind that is read")
    assert separator
    assert name.endswith("corrupt.jpg")


def test_broken_photos_without_names_are_told_apart() -> None:
    said: list[str] = []
    records: list[Record] = [{"path": None, "bytes": f"bad {i}".encode()} for i in range(3)]
    records += [{"path": None, "bytes": encoded(one_color(4))}]
    assert order(crops_of(PhotoList(records, 0), on_skip=said.append), 40) == [4] * 40
    assert len(said) == len(set(said)) == 3


def test_what_stands_in_for_a_broken_photo_is_the_same_after_a_resume(partly_broken: Path) -> None:
    whole = take(crops_of_folder(partly_broken), 39)
    assert torch.equal(take(crops_of_folder(partly_broken, start=20), 19), whole[20:])


def test_all_other_photos_stay_at_their_places(colors: Path, tmp_path: Path) -> None:
    whole = take(crops_of_folder(colors), 30)
    (colors / "03.png").write_bytes(b"no picture")
    broken = take(crops_of_folder(colors), 30)
    for before, after in zip(whole, broken, strict=True):
        if numbers(before[None]) == [3]:
            assert numbers(after[None]) != [3]
        else:
            assert torch.equal(before, after)


def test_different_photos_stand_in_for_a_broken_one(colors: Path) -> None:
    (colors / "03.png").write_bytes(b"no picture")
    seen = order(crops_of_folder(colors), 200)
    assert sum(seen.count(i) for i in range(10)) == 200
    assert max(seen.count(i) for i in range(10)) < 30  # not the same one each time


@pytest.mark.parametrize("block", [5, 1000])
def test_a_stream_goes_on_past_broken_photos(tmp_path: Path, block: int) -> None:
    photos = open_hub(str(write_parquet(tmp_path / "mixed", [6, 6], broken=(1, 4, 8))))
    whole = names(PhotoStream(photos, 0, block), 36)
    said: list[str] = []
    source = PhotoStream(photos, 0, block)
    first = take(crops_of(source, on_skip=said.append, threads=2), 36)
    assert sorted(message.split()[2] for message in said) == ["1.png", "4.png", "8.png"]
    for name, number in zip(whole, numbers(first), strict=True):
        if name in ("1.png", "4.png", "8.png"):
            assert number not in (1, 4, 8)
        else:
            assert name == f"{number}.png"
    resumed = PhotoStream(photos, 0, block)
    resumed.load_state_dict(source.state_dict(13))
    assert torch.equal(take(crops_of(resumed, start=13), 23), first[13:])


@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize("block", [1, 3, 10])  # the last one is alone with 10
def test_a_block_of_broken_photos_ends_no_stream(tmp_path: Path, block: int, threads: int) -> None:
    photos = open_hub(str(write_parquet(tmp_path / "mixed", [11], broken=(3, 4, 5, 10))))
    said: list[str] = []
    crops = crops_of(
        PhotoStream(photos, 1, block, held_out=1), threads=threads, on_skip=said.append
    )
    seen = order(crops, 30)
    assert set(seen) == {1, 2, 6, 7, 8, 9}  # and not the one that is held out
    assert len(said) == 4
    assert all(min(seen[e : e + 10].count(i) for i in set(seen)) >= 1 for e in (0, 10, 20))


@pytest.mark.parametrize("threads", [0, 2])
def test_photos_that_are_all_broken_are_an_input_error(tmp_path: Path, threads: int) -> None:
    for i in range(5):
        (tmp_path / f"{i}.jpg").write_bytes(b"no picture")
    said: list[str] = []
    photos = crops_of_folder(tmp_path, threads=threads, on_skip=said.append)
    with pytest.raises(InputError, match="decoded") as caught:
        next(iter(photos))
    assert "\n" not in str(caught.value)
    assert len(said) == 5
    assert own_threads() == []


@pytest.mark.parametrize("threads", [0, 2])
def test_a_stream_of_broken_photos_is_left_at_once(tmp_path: Path, threads: int) -> None:
    photos = open_hub(str(write_parquet(tmp_path / "bad", [9], broken=range(9))))
    crops = crops_of(PhotoStream(photos, 0, 4), threads=threads, on_skip=lambda text: None)
    with pytest.raises(InputError, match="decoded") as caught:
        next(iter(crops))
    assert own_threads() == []  # though the traceback still holds the iterator
    assert caught.value.__traceback__ is not None


def test_a_few_good_photos_among_many_broken_ones_are_enough(colors: Path) -> None:
    for i in range(1, 10):
        (colors / f"{i:02d}.png").write_bytes(b"no picture")
    assert order(crops_of_folder(colors, on_skip=lambda text: None), 200) == [0] * 200
