"""What becomes of batches, with workers that die at will and no Ray."""

from collections import Counter
from collections.abc import Callable

from fst.interfaces.engine.work import Work


def painted(work: Work, dies: Callable[[list[str]], bool]) -> tuple[Counter[str], list[str], int]:
    """Paints all with one worker that has two batches at a time; who dies of a batch paints none.

    Returns:
        How often each was painted, what was given up, and how many workers it took.
    """
    done: Counter[str] = Counter()
    lost: list[str] = []
    given, workers = [], 1
    while True:
        while len(given) < 2 and (batch := work.next()) is not None:
            given.append(batch)
        if not given:
            return done, lost, workers
        if dies(given[0].items):
            lost += work.died(given)
            given, workers = [], workers + 1
        else:
            done.update(given.pop(0).items)


def test_all_is_painted_once() -> None:
    done, lost, workers = painted(Work([["a", "b"], ["c"], ["d", "e"]]), lambda items: False)
    assert done == Counter("abcde")
    assert (lost, workers) == ([], 1)


def test_a_worker_that_dies_by_no_fault_of_a_photo_loses_nothing() -> None:
    deaths = iter([False, True, False, False, False])
    done, lost, workers = painted(Work([["a", "b"], ["c", "d"], ["e"]]), lambda items: next(deaths))
    assert done == Counter("abcde")
    assert (lost, workers) == ([], 2)


def test_a_photo_that_kills_is_given_up_and_no_other() -> None:
    """Twice in its batch, once alone: three workers, and a fourth for the rest."""
    batches = [["a", "b", "bad", "c"], ["d"], ["e", "f"]]
    done, lost, workers = painted(Work(batches), lambda items: "bad" in items)
    assert done == Counter("abcdef")
    assert (lost, workers) == (["bad"], 4)


def test_only_photos_that_kill() -> None:
    done, lost, _ = painted(Work([["x"], ["y", "z"]]), lambda items: True)
    assert not done
    assert sorted(lost) == ["x", "y", "z"]


def test_what_waited_behind_a_killer_is_not_blamed() -> None:
    """The second batch is with the worker each time it dies, and is never taken apart."""
    sizes = []

    def dies(items: list[str]) -> bool:
        sizes.append(len(items))
        return items == ["bad"]

    done, lost, _ = painted(Work([["bad"], ["a", "b", "c"]]), dies)
    assert done == Counter("abc")
    assert lost == ["bad"]
    assert sizes == [1, 1, 3]


def test_a_worker_that_had_nothing() -> None:
    assert Work([]).died([]) == []
