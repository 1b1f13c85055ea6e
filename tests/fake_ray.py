"""A Ray that lives in this process: its actors do one call each time somebody waits."""

from collections import deque
from itertools import count
from types import SimpleNamespace
from typing import Any


class Trouble(Exception):
    """All that Ray raises: ``RayError``."""


class Mistake(Trouble):
    """An exception in a call of an actor that lives: ``RayTaskError``."""


class Died(Trouble):
    """What Ray raises, to whoever asks, of a call whose actor has died.

    Ray has several, which have no other base in common: ``OutOfMemoryError`` is no
    ``RayActorError``.
    """


class Actor:
    """A process that does what it is told, one call after the other."""

    def __init__(self, made: Any, numbers: Any) -> None:
        self.made, self.numbers, self.dead = made, numbers, False
        self.waiting: deque[tuple[int, tuple[Any, ...]]] = deque()
        self.call = SimpleNamespace(remote=self.asked)

    def asked(self, *words: Any) -> int:
        self.waiting.append((number := next(self.numbers), words))
        return number


class FakeRay:
    """As much of Ray as the pool uses. Each time it is waited for, every actor does one call."""

    exceptions = SimpleNamespace(RayError=Trouble, RayTaskError=Mistake)

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self.results: dict[int, Any] = {}
        self.options: list[dict[str, Any]] = []
        self.numbers = count()
        self.most = 0

    def remote(self, kind: Any) -> Any:
        def make(*given: Any) -> Actor:
            self.actors.append(actor := Actor(kind(*given), self.numbers))
            return actor

        def options(**chosen: Any) -> Any:
            self.options.append(chosen)
            return SimpleNamespace(remote=make)

        return SimpleNamespace(options=options)

    def wait(self, calls: list[int], num_returns: int, timeout: float) -> Any:
        if timeout:
            for actor in self.actors:
                self.most = max(self.most, len(actor.waiting))
                self.step(actor)
        done = [call for call in calls if call in self.results][:num_returns]
        return done, [call for call in calls if call not in done]

    def step(self, actor: Actor) -> None:
        if not actor.waiting or actor.dead:
            return
        number, (method, *given) = actor.waiting.popleft()
        try:
            self.results[number] = actor.made.call(method, *given)
        except Died as error:
            actor.dead = True
            self.results.update({call: error for call, _ in [(number, 0), *actor.waiting]})
        except Mistake as error:
            self.results[number] = error

    def get(self, call: int) -> Any:
        result = self.results[call]
        if isinstance(result, Trouble):
            raise result
        return result

    def kill(self, actor: Actor) -> None:
        actor.dead = True
