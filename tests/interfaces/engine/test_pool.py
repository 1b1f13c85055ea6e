"""The pool of workers with a Ray that lives in this process, and whose actors die when told to.

The true one is in ``test_run``: each worker that dies there takes seconds to be replaced.
"""

import socket
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fake_ray import Died, FakeRay, Mistake

from fst.errors import InputError
from fst.interfaces.engine.cluster import Share, check_reachable, cluster_share
from fst.interfaces.engine.pool import AHEAD, Lost, Pool


class Doubling:
    """Doubles numbers; dies of whatever is in ``deadly``, which may change."""

    def __init__(self, deadly: list[Any], starts: Callable[[], str | None] = lambda: None) -> None:
        self.deadly, self.starts = deadly, starts

    def ready(self) -> str | None:
        return self.starts()

    def paint(self, items: list[Any]) -> list[Any]:
        for item in items:
            if item in self.deadly:
                if item == "once":
                    self.deadly.remove(item)
                raise Died
        return [item * 2 for item in items]


def pool_of(ray: FakeRay, workers: int, *given: Any) -> Pool:
    share = Share(workers, 3, 0, workers)
    return Pool(ray, lambda: Doubling(*given), share, "paint")


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_all_is_painted_once_and_no_worker_has_more_than_it_needs(workers: int) -> None:
    ray = FakeRay()
    batches = [[n, n + 1] for n in range(0, 40, 2)]
    results = list(pool_of(ray, workers, []).paint(batches))
    assert sorted(results) == [(n, 2 * n) for n in range(40)]
    assert len(ray.actors) == workers
    assert ray.most == AHEAD
    assert ray.options[0] == {
        "num_cpus": 3, "num_gpus": 0, "max_restarts": 0, "max_task_retries": 0
    }  # fmt: skip


def test_batches_are_read_as_they_are_needed() -> None:
    """A million photos are not all taken at once: two batches for a worker, and one at hand."""
    taken = []

    def batches() -> Any:
        for n in range(100):
            taken.append(n)
            yield [n]

    results = pool_of(FakeRay(), 2, []).paint(batches())
    next(results)
    assert len(taken) <= 2 * AHEAD + 2


def test_a_mistake_of_ours_is_no_death() -> None:
    class Mistaken(Doubling):
        def paint(self, items: list[Any]) -> list[Any]:
            raise Mistake(items)

    pool = Pool(FakeRay(), lambda: Mistaken([]), Share(1, 1, 0, 1), "paint")
    with pytest.raises(Mistake):
        list(pool.paint([[1], [2]]))
    assert pool.died == 0


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_that_die(workers: int) -> None:
    """One by no fault of a photo's, three of one photo; all others are painted, and once."""
    batches: list[list[Any]] = [[n, n + 1, n + 2] for n in range(0, 60, 3)]
    batches[4][1], batches[9][0] = "once", "bad"
    pool = pool_of(FakeRay(), workers, ["once", "bad"])
    results = list(pool.paint(batches))
    assert Counter(str(item) for item, _ in results) == Counter(
        str(item) for batch in batches for item in batch
    )
    assert [item for item, result in results if isinstance(result, Lost)] == ["bad"]
    assert all(result == item * 2 for item, result in results if item != "bad")
    assert pool.died == 4


def test_the_last_photo_kills() -> None:
    results = dict(pool_of(FakeRay(), 2, ["bad"]).paint([["a"], ["bad"]]))
    assert results["a"] == "aa"
    assert isinstance(results["bad"], Lost)


def test_a_worker_that_can_not_paint_says_why() -> None:
    with pytest.raises(InputError, match="no such style"):
        list(pool_of(FakeRay(), 2, [], lambda: "no such style").paint([[1]]))


def test_workers_that_never_begin() -> None:
    def dies() -> str | None:
        raise Died

    ray = FakeRay()
    with pytest.raises(InputError, match="died before they could paint"):
        list(pool_of(ray, 2, [], dies).paint([[1]]))
    assert len(ray.actors) <= 5


def test_closing_ends_all() -> None:
    ray = FakeRay()
    pool = pool_of(ray, 3, [])
    next(pool.paint([[n] for n in range(9)]))
    pool.close()
    assert all(actor.dead for actor in ray.actors)


# --- who gets what -------------------------------------------------------------------------------


def node(cpus: int, gpus: int = 0, alive: bool = True) -> dict[str, Any]:
    return {"Alive": alive, "Resources": {"CPU": float(cpus), "GPU": float(gpus)}}


def test_a_cluster_is_shared_out() -> None:
    nodes = [node(8), node(4), node(64, 8, alive=False)]
    assert cluster_share(nodes, None) == Share(12, 1, 0, 8)
    assert cluster_share(nodes, 3) == Share(3, 4, 0, 2)
    assert cluster_share(nodes, 5) == Share(5, 2, 0, 4)
    # 12 CPUs are twice 6, but only one of the computers has 6
    assert cluster_share(nodes, 2) == Share(2, 4, 0, 2)
    assert cluster_share([node(16, 2), node(16, 2)], None) == Share(4, 8, 1, 2)
    with pytest.raises(InputError, match="12 CPUs"):
        cluster_share(nodes, 13)
    with pytest.raises(InputError, match="0 CPUs"):
        cluster_share([], None)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}", "here:x", "::9e9"]
)
def test_an_address_where_nobody_listens(address: str) -> None:
    with socket.socket() as free:  # bound, and not listening
        free.bind(("127.0.0.1", 0))
        given = address.format(port=free.getsockname()[1])
        with pytest.raises(InputError, match="nobody answers"):
            check_reachable(given)


def test_an_address_where_somebody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_reachable(f"127.0.0.1:{server.getsockname()[1]}")
    check_reachable("auto")  # Ray knows
