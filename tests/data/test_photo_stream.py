"""fst.data.photo_stream: shuffled blocks of a stream, and going on where it stood."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import datasets
import pytest
from photo_streams import PHOTOS, SHARDS, all_names, names, own_threads, through_a_file

from fst.data.photo_stream import PhotoStream
from fst.errors import AssetError, InputError

pytestmark = pytest.mark.usefixtures("offline")


@pytest.mark.parametrize("block", [1, 4, 6, 9, 1000])
def test_every_record_of_a_stream_appears_once_in_each_epoch(
    stream: datasets.IterableDataset, block: int
) -> None:
    assert stream.num_shards == len(SHARDS)
    seen = names(PhotoStream(stream, 0, block), 4 * PHOTOS)
    epochs = [tuple(seen[PHOTOS * e : PHOTOS * (e + 1)]) for e in range(4)]
    assert all(sorted(epoch) == all_names() for epoch in epochs)
    assert len(set(epochs)) > 1


def test_a_block_is_shuffled_and_so_are_the_shards(stream: datasets.IterableDataset) -> None:
    in_file_order = [f"{i}.png" for i in range(PHOTOS)]
    mixed = names(PhotoStream(stream, 0, 1000), 2 * PHOTOS)
    assert mixed[:PHOTOS] != in_file_order
    assert mixed[:PHOTOS] != mixed[PHOTOS:]
    one_by_one = names(PhotoStream(stream, 0, 1), 8 * PHOTOS)
    first = {one_by_one[PHOTOS * epoch] for epoch in range(8)}
    assert first == {"0.png", "7.png", "12.png"}  # where a shard begins


def test_another_seed_deals_a_stream_in_another_order(stream: datasets.IterableDataset) -> None:
    assert names(PhotoStream(stream, 0, 8), PHOTOS) != names(PhotoStream(stream, 1, 8), PHOTOS)


def test_a_block_mixes_only_what_is_read_together(stream: datasets.IterableDataset) -> None:
    read = names(PhotoStream(stream, 0, 1), PHOTOS)
    dealt = names(PhotoStream(stream, 0, 8), PHOTOS)
    for first in range(0, PHOTOS, 8):
        assert sorted(dealt[first : first + 8]) == sorted(read[first : first + 8])


def test_one_part_is_read_in_its_own_order(stream: datasets.IterableDataset) -> None:
    limited = PhotoStream(stream.take(10), 0, 1, shards=1)
    assert names(limited, 20) == [f"{i}.png" for i in range(10)] * 2


@pytest.mark.parametrize("block", [1, 3, 8, 1000])
@pytest.mark.parametrize("held_out", [1, 4, 6])
def test_held_out_records_never_come(
    stream: datasets.IterableDataset, held_out: int, block: int
) -> None:
    source = PhotoStream(stream, 0, block)
    apart = [record["path"] for record in islice(source.first_records(), held_out)]
    source.held_out = held_out
    assert apart == [f"{i}.png" for i in range(held_out)]
    left = PHOTOS - held_out
    others = sorted(set(all_names()) - set(apart))
    seen = names(source, 4 * left)
    for epoch in range(4):
        assert sorted(seen[left * epoch : left * (epoch + 1)]) == others


def test_more_held_out_than_the_first_shard_has_leaves_the_others(
    stream: datasets.IterableDataset,
) -> None:
    source = PhotoStream(stream, 0, 4, held_out=100)
    assert list(source.first_records()) == []
    left = PHOTOS - SHARDS[0]
    expected = sorted(f"{i}.png" for i in range(SHARDS[0], PHOTOS))
    seen = names(source, 2 * left)
    assert sorted(seen[:left]) == sorted(seen[left:]) == expected


def test_the_first_records_come_after_those_that_are_set_apart(
    stream: datasets.IterableDataset,
) -> None:
    source = PhotoStream(stream, 0, 4, held_out=2)
    first = [record["path"] for record in source.first_records()]
    assert first == [f"{i}.png" for i in range(2, SHARDS[0])]


def test_a_stream_whose_first_records_break_off_is_one_line() -> None:
    def records() -> Iterator[dict[str, Any]]:
        yield {"image": {"path": "0", "bytes": b"x"}}
        raise ConnectionError("the hub is gone\nreally")

    features = datasets.Features({"image": datasets.Image(decode=False)})
    stream = datasets.IterableDataset.from_generator(records, features=features)
    first = PhotoStream(stream, 0).first_records()
    assert next(first)["path"] == "0"
    with pytest.raises(AssetError, match="the hub is gone") as caught:
        next(first)
    assert "\n" not in str(caught.value)


def test_a_stream_of_which_nothing_is_left_says_what_to_lower(
    stream: datasets.IterableDataset,
) -> None:
    source = PhotoStream(stream.take(3), 0, held_out=3, shards=1)
    with pytest.raises(InputError, match=r"data\.val_photos"):
        names(source, 1)
    assert own_threads() == []


@pytest.mark.parametrize(("block", "ahead"), [(1, 30), (4, 0), (4, 9), (6, 3), (1000, 5)])
def test_a_stream_goes_on_exactly_from_every_place_of_three_epochs(
    stream: datasets.IterableDataset, block: int, ahead: int
) -> None:
    def source() -> PhotoStream:
        return PhotoStream(stream, 3, block, held_out=2)

    end = 3 * (PHOTOS - 2) + 2
    whole = names(source(), end + 10)
    running = source()
    places, given = running.places(0), 0
    for stop in range(end):
        while given < stop + ahead:  # decoding is ahead of the step at hand
            next(places)
            given += 1
        state = through_a_file(running.state_dict(stop))
        assert state["place"] <= stop
        if block == 1 and stop:
            assert state["place"] >= stop - 1  # nothing is read again that need not be
        resumed = source()
        resumed.load_state_dict(state)
        assert names(resumed, 10, stop) == whole[stop : stop + 10]
    places.close()


@pytest.mark.parametrize(("block", "stride"), [(4, 3), (6, 7), (1, 2), (50, 11)])
def test_a_stream_can_be_interrupted_again_and_again(
    stream: datasets.IterableDataset, block: int, stride: int
) -> None:
    whole = names(PhotoStream(stream, 0, block, held_out=1), 66)
    seen: list[str] = []
    state: dict[str, Any] | None = None
    while len(seen) < 66:
        source = PhotoStream(stream, 0, block, held_out=1)
        if state is not None:
            source.load_state_dict(state)
        seen += names(source, min(stride, 66 - len(seen)), len(seen))
        state = through_a_file(source.state_dict(len(seen)))
    assert seen == whole


def test_a_limited_stream_goes_on_exactly_too(stream: datasets.IterableDataset) -> None:
    def source() -> PhotoStream:
        return PhotoStream(stream.take(10), 0, 3, held_out=2, shards=1)

    whole = names(source(), 40)
    for stop in range(24):
        running, resumed = source(), source()
        names(running, stop + 2)
        resumed.load_state_dict(through_a_file(running.state_dict(stop)))
        assert names(resumed, 10, stop) == whole[stop : stop + 10]


def test_only_the_block_at_hand_is_read_again(stream: datasets.IterableDataset) -> None:
    source = PhotoStream(stream, 0, 4)
    names(source, 30)
    state = source.state_dict(30)
    assert 30 - 4 < state["place"] <= 30


def test_a_stream_that_stands_after_the_place_is_refused_in_one_line(
    stream: datasets.IterableDataset,
) -> None:
    source = PhotoStream(stream, 0, 4)
    names(source, 20)
    state = source.state_dict(20)
    resumed = PhotoStream(stream, 0, 4)
    resumed.load_state_dict(state)
    with pytest.raises(InputError, match=r"data\.batch_size") as caught:
        names(resumed, 1, 10)
    assert "\n" not in str(caught.value)


def test_what_is_being_read_when_a_stream_is_left_is_not_read_to_its_end() -> None:
    read = []

    def records() -> Iterator[dict[str, Any]]:
        for i in range(400):
            if i >= 200:
                time.sleep(0.02)  # four seconds for the second block
            read.append(i)
            yield {"image": {"path": f"{i}", "bytes": b"x"}}

    features = datasets.Features({"image": datasets.Image(decode=False)})
    stream = datasets.IterableDataset.from_generator(records, features=features)
    places = PhotoStream(stream, 0, 200).places(0)
    next(places)
    while len(read) <= 200:
        time.sleep(0.01)
    places.close()
    assert len(read) < 390
