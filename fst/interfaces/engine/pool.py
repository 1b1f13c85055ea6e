"""Workers in Ray's processes: they are given batches, and replaced when they die."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from fst.errors import InputError
from fst.interfaces.engine.cluster import Share
from fst.interfaces.engine.work import Batch, Work
from fst.system.signals import stop_if_asked

AHEAD = 2
"""Batches that a worker has at a time: the one it paints, and the next."""

STARTS = 3
"""Workers that may die in a row before one of them was ready."""

GIVEN_UP = "a worker died of it, alone and before in a batch (out of memory?)"
"""The reason of a photo that is not tried again."""


@dataclass
class _Member:
    """A worker, as it is seen from here."""

    actor: Any
    ready: bool = False
    given: deque[Batch] = field(default_factory=deque)


class Pool:
    """Some workers, which are there until :meth:`close`.

    Args:
        ray: the module, connected.
        make: makes what paints, in a worker's process: called without arguments.
        share: how many workers, and what each gets.
        method: of what was made, that is called with a batch and returns a result for each item.
        on_ready: called when the first worker is.
    """

    def __init__(
        self,
        ray: Any,
        make: Callable[[], Any],
        share: Share,
        method: str,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._ray, self._make, self._share, self._method = ray, make, share, method
        self._on_ready: Callable[[], None] | None = on_ready
        self._calls: dict[Any, _Member] = {}
        self._members: list[_Member] = []
        self._failed_starts = 0
        self.died = 0
        """Workers that died while they painted."""

    def paint(self, batches: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
        """Paints all batches, in no order.

        Yields:
            Each item with its result; with a :class:`Lost` where it is given up.

        Raises:
            InputError: no worker can be made ready.
        """
        work = Work(batches)
        waiting = work.next()
        while waiting is not None or any(member.given for member in self._members):
            while len(self._members) < self._share.workers and waiting is not None:
                self._start()
            for held in range(AHEAD):  # one each, and then the next ones
                for member in self._members:
                    if waiting is not None and member.ready and len(member.given) == held:
                        self._give(member, waiting)
                        waiting = work.next()
            for call in self._finished():
                yield from self._result(call, work)
            if waiting is None:
                waiting = work.next()  # what a worker that died had

    def close(self) -> None:
        """Ends the workers, whatever they are doing."""
        for member in self._members:
            self._ray.kill(member.actor)
        self._members, self._calls = [], {}

    def _start(self) -> None:
        share = self._share
        actor = self._ray.remote(_Actor).options(
            num_cpus=share.threads, num_gpus=share.gpus, max_restarts=0, max_task_retries=0
        )
        member = _Member(actor.remote(self._make))
        self._members.append(member)
        self._calls[member.actor.call.remote("ready")] = member

    def _give(self, member: _Member, batch: Batch) -> None:
        member.given.append(batch)
        self._calls[member.actor.call.remote(self._method, batch.items)] = member

    def _finished(self) -> list[Any]:
        """The calls that came back, in the order they were made; waits for one at most a second."""
        calls = list(self._calls)
        first, _ = self._ray.wait(calls, num_returns=1, timeout=1)
        stop_if_asked()
        if not first:
            return []
        done, _ = self._ray.wait(calls, num_returns=len(calls), timeout=0)
        return [call for call in calls if call in {*done, *first}]

    def _result(self, call: Any, work: Work) -> Iterator[tuple[Any, Any]]:
        """What came of one call."""
        member = self._calls.pop(call, None)
        if member is None:
            return  # of a worker that has died meanwhile
        try:
            result = self._ray.get(call)
        except self._ray.exceptions.RayTaskError:
            raise  # a mistake of ours in a worker that lives
        except self._ray.exceptions.RayError:  # it died, by itself or killed to save memory
            yield from ((item, Lost(GIVEN_UP)) for item in self._bury(member, work))
            return
        if not member.ready:
            if result is not None:
                raise InputError(f"a worker can't paint: {result}")
            member.ready, self._failed_starts = True, 0
            if self._on_ready is not None:
                self._on_ready()
                self._on_ready = None
            return
        yield from zip(member.given.popleft().items, result, strict=True)

    def _bury(self, member: _Member, work: Work) -> list[Any]:
        """Takes back what a dead worker had; returns what is given up."""
        self._members.remove(member)
        self._calls = {call: owner for call, owner in self._calls.items() if owner is not member}
        if not member.ready:
            self._failed_starts += 1
            if self._failed_starts >= STARTS:
                raise InputError(
                    f"{STARTS} workers died before they could paint: is there memory for "
                    f"{self._share.workers}? --workers takes fewer"
                )
        self.died += member.ready
        return work.died(list(member.given))


@dataclass(frozen=True)
class Lost:
    """The result of an item that is given up."""

    reason: str


class _Actor:
    """The process of a worker: makes it, and passes calls on."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._made = make()

    def call(self, method: str, *given: Any) -> Any:
        return getattr(self._made, method)(*given)
