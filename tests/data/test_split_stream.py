"""fst.data.split_stream: several devices read a stream, each file once an epoch."""

import io
import multiprocessing
from collections import Counter
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from support import write_parquet

from fst.data import split_stream
from fst.data.module import PhotoDataModule
from fst.data.photo_stream import PhotoStream
from fst.data.sources import open_hub
from fst.data.split_stream import SplitStream, fitting_parts
from fst.errors import InputError

pytestmark = pytest.mark.usefixtures("offline")

FILES = (5, 4, 6, 3)
"""Photos in each file of the stream."""

FIRST = (0, 5, 9, 15)
"""The number of each file's first photo."""


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    return write_parquet(tmp_path / "parquet", FILES, rows_together=2)


def numbers_of(files: tuple[int, ...]) -> list[int]:
    return [n for file in files for n in range(FIRST[file], FIRST[file] + FILES[file])]


def split(folder: Path, parts: int, rank: int = 0, ranks: int = 1, block: int = 3) -> SplitStream:
    whole = PhotoStream(open_hub(str(folder)), seed=0, block=block)
    return SplitStream(whole, parts, 4, rank, ranks)


def dealt(stream: SplitStream, count: int, start: int = 0) -> dict[int, int]:
    """The first places that a process goes through, and which photo is there."""
    places = stream.places(start)
    found = {place: int(Path(pick(0)["path"]).stem) for place, pick in islice(places, count)}
    places.close()
    return found


def merged(*states: dict[str, Any]) -> dict[str, Any]:
    """What the processes write together, through a file."""
    streams = {part: one for state in states for part, one in state["streams"].items()}
    buffer = io.BytesIO()
    torch.save({**states[0], "streams": streams}, buffer)
    loaded: dict[str, Any] = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    return loaded


# --- which files a device reads, and how often ---------------------------------------------------


class Recorded:
    """A stream that notes which of its files are read."""

    def __init__(self, photos: Any) -> None:
        self.photos, self.features, self.num_shards = photos, photos.features, photos.num_shards
        self.read: list[int] = []

    def shard(self, count: int, number: int) -> Any:
        self.read.append(number)
        return self.photos.shard(count, number)


def files_read(folder: Path, parts: int, rank: int, count: int) -> list[int]:
    """The first files that one of so many processes reads."""
    photos = Recorded(open_hub(str(folder)))
    whole = PhotoStream(photos, seed=0, block=3)  # type: ignore[arg-type]
    dealt(SplitStream(whole, parts, 12, rank, parts), 8 * count)
    return photos.read[:count]


@pytest.mark.parametrize(("files", "parts"), [(3, 2), (4, 2), (4, 3), (5, 4), (2, 2), (7, 3)])
def test_each_file_is_read_once_an_epoch_by_one_device(
    tmp_path: Path, files: int, parts: int
) -> None:
    folder = write_parquet(tmp_path / "equal", [4] * files)
    turns = [files_read(folder, parts, rank, 2 * files) for rank in range(parts)]
    in_turn = [number for together in zip(*turns, strict=True) for number in together]
    epochs = [in_turn[i : i + files] for i in range(0, len(in_turn), files)]
    assert len(epochs) == 2 * parts
    assert all(sorted(epoch) == list(range(files)) for epoch in epochs)


@pytest.mark.parametrize(("files", "parts"), [(3, 2), (4, 2), (4, 3), (2, 2)])
def test_every_photo_of_equal_files_comes_equally_often(
    tmp_path: Path, files: int, parts: int
) -> None:
    folder = write_parquet(tmp_path / "equal", [4] * files)
    whole = PhotoStream(open_hub(str(folder)), seed=0, block=3)
    epochs = 2 * parts  # after so many each part has read equally many files
    seen = Counter(dealt(SplitStream(whole, parts, 2 * parts), epochs * 4 * files).values())
    assert seen == dict.fromkeys(range(4 * files), epochs)


def test_photos_of_unequal_files_come_nearly_equally_often(parquet: Path) -> None:
    epochs = 60
    seen = Counter(dealt(split(parquet, 2, block=1), epochs * sum(FILES)).values())
    assert set(seen) == set(range(sum(FILES)))
    # parts of fixed files would have drawn those of 7 photos 77 times, those of 11 49 times
    assert all(abs(count - epochs) <= 6 for count in seen.values())


def test_a_part_whose_file_is_all_held_out_goes_on_with_the_next(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "two", [2, 4])
    whole = PhotoStream(open_hub(str(folder)), seed=0, block=3, held_out=2)
    assert set(dealt(SplitStream(whole, 2, 2), 40).values()) == {2, 3, 4, 5}


def test_parts_of_a_stream_of_which_nothing_is_left_say_what_to_lower(tmp_path: Path) -> None:
    whole = PhotoStream(open_hub(str(write_parquet(tmp_path / "one", [3]))), 0, 3, held_out=3)
    with pytest.raises(InputError, match=r"data\.val_photos"):
        dealt(SplitStream(whole, 1, 4), 1)


def test_a_stand_in_for_a_broken_photo_is_from_the_devices_own_files(tmp_path: Path) -> None:
    folder = write_parquet(tmp_path / "broken", [4, 4], broken=range(4, 7))
    whole = PhotoStream(open_hub(str(folder)), 0, block=1, held_out=2)
    parts = [whole.part(number, 2) for number in (0, 1)]
    spare = [[record["path"] for record in part._spare_records()] for part in parts]
    assert spare == [["2.png", "3.png"], ["4.png", "5.png", "6.png", "7.png"]]


@pytest.mark.parametrize(
    ("devices", "files", "parts"),
    [(1, 40, 1), (2, 40, 2), (8, 40, 8), (8, 8, 8), (8, 7, 4), (8, 3, 2), (6, 5, 3), (3, 2, 1),
     (4, 1, 1), (4, 0, 1)],
)  # fmt: skip
def test_a_stream_is_divided_as_far_as_its_files_go(devices: int, files: int, parts: int) -> None:
    assert fitting_parts(devices, files) == parts


# --- which photo comes at a place ----------------------------------------------------------------


def test_every_share_of_a_batch_is_filled_from_one_part(parquet: Path) -> None:
    whole = PhotoStream(open_hub(str(parquet)), seed=0, block=3)
    alone = [
        [int(Path(pick(0)["path"]).stem) for _, pick in islice(whole.part(part, 2).places(0), 30)]
        for part in (0, 1)
    ]
    for place, photo in dealt(split(parquet, 2), 60).items():
        step, within = divmod(place, 4)
        assert photo == alone[within // 2][2 * step + within % 2]


@pytest.mark.parametrize("start", [0, 8])
@pytest.mark.parametrize(("parts", "ranks"), [(2, 2), (4, 4), (2, 4), (4, 2), (2, 1), (1, 2)])
def test_the_same_photos_come_on_any_number_of_devices(
    parquet: Path, parts: int, ranks: int, start: int
) -> None:
    alone = dealt(split(parquet, parts), 40, start)
    assert list(alone) == list(range(start, start + 40))
    together: dict[int, int] = {}
    for rank in range(ranks):
        stream = split(parquet, parts, rank, ranks)
        mine = dealt(stream, 10 * len(stream.needed) * stream.share, start)
        share = 4 // ranks
        together |= {p: n for p, n in mine.items() if p % 4 // share == rank}
        if parts == ranks:  # and then nothing is read for others
            assert {place % 4 // share for place in mine} == {rank}
    assert together == alone


@pytest.mark.parametrize(("before", "after"), [(2, 2), (2, 1), (2, 4), (4, 2), (4, 1)])
@pytest.mark.parametrize("stop", [1, 3, 7, 12])
def test_a_run_goes_on_exactly_whatever_the_number_of_devices(
    parquet: Path, before: int, after: int, stop: int
) -> None:
    whole = dealt(split(parquet, before), 100)
    states = []
    for rank in range(before):
        stream = split(parquet, before, rank, before)
        dealt(stream, (stop + 2) * stream.share)  # decoding is ahead of the step at hand
        states.append(stream.state_dict(4 * stop))
    state = merged(*states)
    assert set(state["streams"]) == set(range(before))
    resumed: dict[int, int] = {}
    for rank in range(after):
        stream = split(parquet, before, rank, after)
        stream.load_state_dict(state)
        mine = dealt(stream, 8 * len(stream.needed) * stream.share, 4 * stop)
        resumed |= {p: n for p, n in mine.items() if p % 4 // (4 // after) == rank}
    assert resumed == {place: whole[place] for place in range(4 * stop, 4 * stop + 32)}


def test_no_more_is_read_again_than_a_block_of_each_part(parquet: Path) -> None:
    stream = split(parquet, 2)
    dealt(stream, 60)
    for state in stream.state_dict(40)["streams"].values():
        assert 20 - 3 < state["place"] <= 20


def test_a_batch_that_cannot_be_divided_names_the_multiple(parquet: Path) -> None:
    with pytest.raises(InputError, match=r"data\.batch_size a multiple of 3, not 4"):
        split(parquet, 3)


def test_every_process_asks_the_others_or_none_does(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[int]] = []

    def gather(everyone: list[dict[int, Any]], states: dict[int, Any]) -> None:
        asked.append(set(states))
        everyone[:] = [states] * 3

    stand_in = SimpleNamespace(
        is_initialized=lambda: True, get_world_size=lambda: 3, all_gather_object=gather
    )
    monkeypatch.setattr(split_stream, "dist", stand_in)
    whole = PhotoStream(open_hub(str(parquet)), seed=0)
    for rank in range(3):  # the second of three reads both parts
        SplitStream(whole, 2, 6, rank, 3).state_dict(0)
    assert asked == [{0}, {0, 1}, {1}]


# --- in the module -------------------------------------------------------------------------------


def module(folder: Path, rank: int, ranks: int, step: int = 0, **settings: Any) -> PhotoDataModule:
    settings = {"shuffle_buffer": 3, "val_photos": 1, **settings}
    data = PhotoDataModule("hub", str(folder), 16, 4, **settings)
    data.setup()
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_step=step, global_rank=rank, world_size=ranks, max_steps=-1,
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )  # fmt: skip
    return data


def names(data: PhotoDataModule, steps: int) -> list[str]:
    """Which photos a process trains on."""
    assert data.train is not None
    assert data.trainer is not None
    first, count = data.trainer.global_step, 0
    for _ in data.train_dataloader():
        count += 1
        if count == steps:
            break
    return [name for step in range(first, first + steps) for name in data.train.names(step)]


def test_two_processes_train_on_different_photos_and_on_none_that_is_held_out(
    parquet: Path,
) -> None:
    first, second = (
        [int(Path(name).stem) for name in names(module(parquet, rank, 2), 2)] for rank in (0, 1)
    )
    assert len(first) == len(second) == 4
    assert not set(first) & set(second)
    later = [names(module(parquet, rank, 2), 24) for rank in (0, 1)]
    assert {int(Path(name).stem) for part in later for name in part} == set(range(1, 18))


@pytest.mark.parametrize("settings", [{"max_photos": 12}, {"cache": "cache"}])
def test_what_cannot_be_divided_is_the_same_as_on_one_device(
    parquet: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    if "cache" in settings:
        settings = {"cache": str(tmp_path / "cache")}
    alone = names(module(parquet, 0, 1, **settings), 6)
    seen = [names(module(parquet, rank, 2, **settings), 6) for rank in (0, 1)]
    expected = [alone[4 * s + 2 * r : 4 * s + 2 * r + 2] for r in (0, 1) for s in range(6)]
    assert seen[0] + seen[1] == [name for pair in expected for name in pair]


def test_a_run_of_one_device_stays_in_one_part_on_two_and_says_so(
    parquet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = names(module(parquet, 0, 1), 12)
    running = module(parquet, 0, 1)
    names(running, 6)
    running.trainer.global_step = 5  # type: ignore[union-attr]
    state = running.state_dict()
    assert set(state) == {"place", "position"}  # as checkpoints of before have it
    seen = []
    capsys.readouterr()
    for rank in (0, 1):
        resumed = module(parquet, rank, 2, step=5)
        resumed.load_state_dict(state)
        seen.append(names(resumed, 6))
        assert "begun with: 1" in capsys.readouterr().out
    both = [seen[r][2 * s : 2 * s + 2] for s in range(6) for r in (0, 1)]
    assert [name for pair in both for name in pair] == whole[20:44]


def test_a_run_of_two_devices_goes_on_on_one_and_says_so(
    parquet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = [names(module(parquet, rank, 2), 12) for rank in (0, 1)]
    running = [module(parquet, rank, 2) for rank in (0, 1)]
    for data in running:
        names(data, 6)
        data.trainer.global_step = 5  # type: ignore[union-attr]
    resumed = module(parquet, 0, 1, step=5)
    resumed.load_state_dict(merged(*(data.state_dict() for data in running)))
    capsys.readouterr()
    seen = names(resumed, 6)
    assert "begun with: 2" in capsys.readouterr().out
    both = [whole[r][2 * s : 2 * s + 2] for s in range(5, 11) for r in (0, 1)]
    assert seen == [name for pair in both for name in pair]


@pytest.mark.parametrize("stop", [0, 3, 8])
def test_a_run_begun_with_fixed_files_per_part_keeps_to_them_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stop: int
) -> None:
    folder = write_parquet(tmp_path / "three", [5, 4, 4])
    start = {"place": 0, "position": {"epoch": 0, "turn": 0, "state": None}}
    state: dict[str, Any] = {"parts": 2, "streams": {0: start, 1: start}}  # as it was written
    expected = ({1, 2, 3, 4, 9, 10, 11, 12}, {5, 6, 7, 8})  # the first is held out
    for rank in (0, 1):
        running = module(folder, rank, 2)
        running.load_state_dict(state)
        whole = names(running, 20)
        for epoch in range(2):
            photos = len(expected[rank])
            drawn = whole[photos * epoch : photos * (epoch + 1)]
            assert {int(Path(name).stem) for name in drawn} == expected[rank]
        running.trainer.global_step = stop  # type: ignore[union-attr]
        other = module(folder, 1 - rank, 2)
        other.load_state_dict(state)
        names(other, stop + 1)
        other.trainer.global_step = stop  # type: ignore[union-attr]
        resumed = module(folder, rank, 2, step=stop)
        resumed.load_state_dict(merged(running.state_dict(), other.state_dict()))
        assert names(resumed, 20 - stop) == whole[2 * stop :]
    out = capsys.readouterr().out
    assert "2 parts" in out
    assert "more often" in out


@pytest.mark.parametrize(("files", "ranks", "said"), [
    (3, 4, "3 piece(s) for 4 devices: every 2 devices"), (1, 2, "1 piece(s) for 2 devices"),
    (3, 2, None), (4, 4, None),
])  # fmt: skip
def test_the_first_device_says_where_files_are_downloaded_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], files: int, ranks: int, said: str | None
) -> None:
    folder = write_parquet(tmp_path / "few", [4] * files)
    capsys.readouterr()
    for rank in reversed(range(ranks)):
        assert capsys.readouterr().out == ""
        module(folder, rank, ranks).train_dataloader()
    out = capsys.readouterr().out
    assert said in out if said else out == ""


# --- two real processes --------------------------------------------------------------------------


def _process(rank: int, folder: Path, meeting: Path, results: Any) -> None:
    torch.set_num_threads(1)
    store = dist.FileStore(str(meeting), 2)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    data = module(folder, rank, 2)
    names(data, 6)
    data.trainer.global_step = 5  # type: ignore[union-attr]
    results.put((rank, data.state_dict()))
    dist.destroy_process_group()


@pytest.mark.slow
def test_processes_tell_each_other_where_they_stand(parquet: Path, tmp_path: Path) -> None:
    # two processes of their own, for which the libraries are loaded once
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fst.data.module", "torch.distributed"])
    results = context.Queue()
    processes = [
        context.Process(target=_process, args=(rank, parquet, tmp_path / "meeting", results))
        for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    states = dict(results.get(timeout=120) for _ in processes)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert states[0] == states[1]
    assert set(states[0]["streams"]) == {0, 1}
    alone = [module(parquet, rank, 2) for rank in (0, 1)]
    for data in alone:
        names(data, 6)
        data.trainer.global_step = 5  # type: ignore[union-attr]
    assert states[0] == merged(*(data.state_dict() for data in alone))
