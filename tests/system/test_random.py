"""fst.system.random: the state of every global random generator."""

import random
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch

from fst.system.random import random_states, set_random_states


def draw_from_all() -> list[Any]:
    """Something from every global generator, of every kind that has a state of its own."""
    return [
        torch.rand(3).tolist(),
        torch.randn(1).item(),
        np.random.rand(2).tolist(),
        np.random.standard_normal(),  # the second of a pair is kept for the next call
        random.random(),
        random.gauss(0, 1),  # so is this one's
    ]


@pytest.fixture
def seeded() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)


@pytest.mark.usefixtures("seeded")
def test_random_states_are_the_same_from_a_file() -> None:
    draw_from_all()
    file = BytesIO()
    torch.save(random_states(), file)
    expected = [draw_from_all(), draw_from_all()]
    file.seek(0)
    set_random_states(torch.load(file, weights_only=True))
    assert [draw_from_all(), draw_from_all()] == expected


@pytest.mark.usefixtures("seeded")
def test_reading_the_random_states_draws_nothing() -> None:
    expected = draw_from_all()
    torch.manual_seed(5)
    np.random.seed(5)
    random.seed(5)
    first = random_states()
    assert draw_from_all() == expected
    set_random_states(first)
    assert draw_from_all() == expected


def test_the_random_states_of_gpus_are_read_and_put_back_where_they_are_in_use(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: ["first", "second"])
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", put.append)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    unused = random_states()
    assert unused["cuda"] == []  # a run on the CPU starts no GPU
    set_random_states(unused)
    assert put == []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    used = random_states()
    set_random_states(used)
    assert put == [["first", "second"]]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    set_random_states(used)  # on another machine
    assert len(put) == 1
