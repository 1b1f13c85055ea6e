"""The engine with a Ray of this process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fake_ray import FakeRay

from fst.interfaces.engine import pictures, tables
from fst.interfaces.engine.cluster import Share
from fst.interfaces.engine.worker import Place


@pytest.fixture
def engine_here(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    """What would start Ray gets one that is here: two workers with a thread each."""
    fake = FakeRay()

    @contextmanager
    def session(options: Any) -> Iterator[Any]:
        yield fake, Share(2, 1, 0, 2), Place(str(Path.cwd()), 1, 2)

    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    monkeypatch.setattr(pictures, "session", session)
    monkeypatch.setattr(tables, "session", session)
    return fake
