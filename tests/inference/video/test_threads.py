"""Frames made ahead and written behind: order, bounds, errors, and that no thread stays."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fst.inference.video.threads import Abandoned, ahead, behind


def of_ours() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("fst-")]


def hand_over(
    write: Callable[[Iterator[int]], None], count: int, error: BaseException | None = None
) -> None:
    with behind(write) as put:
        for number in range(count):
            put(number)
        if error is not None:
            raise error


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    assert of_ours() == []


def test_all_comes_in_order() -> None:
    with ahead(iter(range(50))) as items:
        assert list(items) == list(range(50))


def test_no_more_is_made_than_there_is_room_for() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with ahead(numbers(), room=3) as items:
        assert next(items) == 0
        for _ in range(50):
            time.sleep(0.002)
        # one is taken, three wait, one is in the maker's hands
        assert len(made) <= 5


def test_who_leaves_early_ends_the_maker_and_closes_it() -> None:
    closed = threading.Event()

    def numbers() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with ahead(numbers()) as items:
        next(items)
    assert closed.is_set()


def test_an_error_of_the_maker_comes_after_what_it_made() -> None:
    def numbers() -> Iterator[int]:
        yield 1
        raise OSError(5, "broken")

    with ahead(numbers()) as items:
        assert next(items) == 1
        with pytest.raises(OSError, match="broken"):
            next(items)


def test_all_is_written_in_order_when_the_block_ends() -> None:
    written: list[int] = []
    with behind(written.extend) as put:
        for number in range(50):
            put(number)
    assert written == list(range(50))


def test_nothing_to_write_is_written_too() -> None:
    called: list[list[int]] = []
    with behind(lambda items: called.append(list(items))):
        pass
    assert called == [[]]


def test_an_error_of_the_writer_ends_the_block() -> None:
    def write(items: Iterator[int]) -> None:
        next(items)
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        hand_over(write, 1000)
    last: list[int] = []

    def at_the_end(items: Iterator[int]) -> None:
        last.extend(items)
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"), behind(at_the_end) as put:
        put(7)
    assert last == [7]


def test_a_writer_that_stops_by_itself_is_a_mistake_of_ours() -> None:
    def write(items: Iterator[int]) -> None:
        next(items)

    with pytest.raises(RuntimeError, match="before the last"):
        hand_over(write, 1000)


def test_what_is_not_wanted_any_more_is_abandoned() -> None:
    ends: list[str] = []

    def write(items: Iterator[int]) -> None:
        try:
            for _ in items:
                pass
            ends.append("whole")
        except Abandoned:
            ends.append("abandoned")
            raise

    with pytest.raises(KeyboardInterrupt):
        hand_over(write, 1, KeyboardInterrupt())
    assert ends == ["abandoned"]
